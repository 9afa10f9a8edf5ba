/** @file What the package needs of ONNX Runtime: the namespace that `onnxruntime-node`, `-web` and `-react-native` share. */
import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from "onnxruntime-common";
import { UserError } from "../errors.ts";

/** The host's ONNX Runtime, as imported: `import * as ort from "onnxruntime-node"`. */
export interface Runtime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

export type Session = InferenceSession;
export type SessionOptions = InferenceSession.SessionOptions;
export type Feeds = Record<string, Tensor>;
export type { Tensor };

/**
 * Makes a session. Warnings of ONNX Runtime stay quiet unless the options ask for them.
 * @throws UserError `invalid-model` with the runtime's reason.
 */
export async function openSession(ort: Runtime, bytes: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  try {
    return await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  } catch (cause) {
    throw new UserError("invalid-model", `invalid model: ONNX Runtime refuses it: ${reason(cause)}`, { cause });
  }
}

/** ONNX Runtime's words on one line. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, " ").slice(0, 400);
}

/**
 * Runs a session.
 * @param fetches the outputs wanted; all of them by default.
 * @throws UserError `invalid-input` with what ONNX Runtime says of the feeds.
 */
export async function run(
  session: Session,
  feeds: Feeds,
  fetches: readonly string[] = session.outputNames,
): Promise<Record<string, Tensor>> {
  try {
    return (await session.run(feeds, fetches)) as Record<string, Tensor>;
  } catch (cause) {
    throw new UserError(
      "invalid-input",
      `invalid input: ONNX Runtime could not run the model on it: ${reason(cause)}`,
      { cause },
    );
  }
}

export const shapesOf = (feeds: Feeds): Record<string, number[]> =>
  Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims.map(Number)]));

/** Session options over presets; of `extra`, whose entries live in nested objects, both are kept. */
export function overPreset(preset: SessionOptions, options: SessionOptions): SessionOptions {
  return { ...preset, ...options, extra: merged(preset.extra ?? {}, options.extra ?? {}) };
}

function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = Object.entries(b).map(([key, value]) => {
    const other = a[key];
    return [key, isRecord(other) && isRecord(value) ? merged(other, value) : value] as const;
  });
  return { ...a, ...Object.fromEntries(both) };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
