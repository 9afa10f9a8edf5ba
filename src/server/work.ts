/** @file What passes between the server's thread and the worker threads. */
import * as threads from "node:worker_threads";
import type { AskQuestion, CaptionQuestion, ModelCard, Question } from "../client/contract.ts";
import { InternalError, UserError, type UserErrorCode } from "../errors.ts";
import type { LoadOptions } from "../node/load.ts";

export type Task = ModelCard["task"];

/** A model to be served: the only ones that a request can reach. */
export interface ModelSource {
  readonly task: Task;
  readonly name: string;
  /** A directory or file; the bundled classifier where it is missing. */
  readonly source?: string;
}

/** How much one request may have computed. */
export interface Bounds {
  /** Pixels that maps are laid over and drawn on, of all maps and pictures of one answer. */
  readonly maxRender: number;
}

/** What a worker thread is started with. */
export interface WorkerSetup extends Bounds {
  /** The default first. */
  readonly models: readonly ModelSource[];
  readonly loading: LoadOptions;
}

/** What each task is asked. */
export interface Questions {
  readonly explain: Question;
  readonly caption: CaptionQuestion;
  readonly ask: AskQuestion;
}

/** One question about one file. */
export interface Job<T extends Task = Task> {
  readonly id: number;
  readonly task: T;
  readonly model: string;
  readonly file: Uint8Array;
  readonly question: Questions[T];
  readonly accept: "application/json" | "image/png";
}

/** What is sent back as it is. */
export interface Reply {
  readonly type: string;
  readonly body: Uint8Array;
}

/** An error on its way between threads. */
export interface WireError {
  /** Undefined for our bug. */
  readonly code?: UserErrorCode;
  readonly message: string;
  readonly stack?: string;
}

export type Outcome = { readonly reply: Reply } | { readonly error: WireError };

export interface ToWorker {
  readonly jobs: readonly Job[];
  /**
   * A number for each job, 1 when the one who asked has left: shared memory, for a thread that computes reads no messages.
   */
  readonly left: Int32Array<SharedArrayBuffer>;
}

export type FromWorker =
  | {
      readonly kind: "ready";
      readonly cards: readonly ModelCard[];
      /** The models whose samples may share a run. */
      readonly sharing: readonly string[];
    }
  | { readonly kind: "refused"; readonly error: WireError }
  | { readonly kind: "done"; readonly outcomes: readonly Outcome[] };

/**
 * The memory of arrays that have theirs to themselves: it can be handed to another thread. Small buffers of Node share a pool, which must
 * stay; so must what a native library holds, as sharp does the pictures that it encodes: Node.js 22 marks that, Node.js 20 lets it go.
 */
export const ownMemory = (arrays: readonly Uint8Array[]): ArrayBuffer[] =>
  arrays.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !mustStay?.(buffer) ? [buffer] : [],
  );

/** Not in Node.js 20. */
const { isMarkedAsUntransferable: mustStay } = threads as { isMarkedAsUntransferable?: (memory: object) => boolean };

export function toWire(error: unknown): WireError {
  if (error instanceof UserError) return { code: error.code, message: error.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}

export function fromWire({ code, message, stack }: WireError): UserError | InternalError {
  if (code) return new UserError(code, message);
  return Object.assign(new InternalError(message.replace(/^internal: /, "")), { stack });
}
