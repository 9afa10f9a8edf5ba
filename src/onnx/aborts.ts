/**
 * @file An abort inside of ONNX Runtime Web's WebAssembly, or an exception that came through it, as one in a call of WebGPU: its stack is
 * lost then, and whatever is asked of it next may never return, nor let the page go on.
 */
import { UserError } from "../errors.ts";
import type { Runtime } from "./ort.ts";

/** Why they stopped, by what makes their sessions. */
const stopped = new WeakMap<object, UserError>();

/** @throws UserError `runtime-lost` where it has aborted. */
export function checkRunning({ InferenceSession }: Runtime): void {
  const error = stopped.get(InferenceSession);
  if (error) throw error;
}

export const hasStopped = ({ InferenceSession }: Runtime): boolean => stopped.has(InferenceSession);

/** Its own errors are thrown when its WebAssembly has returned. */
const within = /wasm-function\[/;

/** Remembers an abort; the error that tells of it, where a failure is one. */
export function abortOf(ort: Runtime | undefined, cause: unknown): UserError | undefined {
  if (
    !ort ||
    !(cause instanceof Error && (cause instanceof WebAssembly.RuntimeError || within.test(cause.stack ?? "")))
  )
    return undefined;
  const message = `lost runtime: ONNX Runtime Web has stopped (${cause.message}); reload the page`;
  const error = new UserError("runtime-lost", message, { cause });
  stopped.set(ort.InferenceSession, error);
  return error;
}
