/** @file What passes between the server's thread and the threads that compute. */
import type { ModelCard, Question } from "../client/contract.ts";
import { InternalError, UserError, type UserErrorCode } from "../errors.ts";
import type { LoadOptions } from "../node/load.ts";

/** A model to be served: the only ones that a request can reach. */
export interface ModelSource {
  readonly name: string;
  /** A directory or file; the bundled classifier where it is missing. */
  readonly source?: string;
}

/** What a computing thread is started with. */
export interface WorkerSetup {
  /** The default first. */
  readonly models: readonly ModelSource[];
  readonly loading: LoadOptions;
}

/** One question about one file. */
export interface Job {
  readonly id: number;
  readonly model: string;
  readonly file: Uint8Array;
  readonly question: Omit<Question, "model">;
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

export type ToWorker =
  | { readonly kind: "run"; readonly jobs: readonly Job[] }
  | { readonly kind: "cancel"; readonly job: number };

export type FromWorker =
  | { readonly kind: "ready"; readonly cards: readonly ModelCard[] }
  | { readonly kind: "refused"; readonly error: WireError }
  | { readonly kind: "done"; readonly outcomes: readonly Outcome[] };

export function toWire(error: unknown): WireError {
  if (error instanceof UserError) return { code: error.code, message: error.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message, stack };
}

export function fromWire({ code, message, stack }: WireError): UserError | InternalError {
  if (code) return new UserError(code, message);
  return Object.assign(new InternalError(message.replace(/^internal: /, "")), { stack });
}
