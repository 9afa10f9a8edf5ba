/** @file An abort inside of ONNX Runtime Web's WebAssembly, after which it answers nothing any more: what is asked of it would hang. */
import { UserError } from "../errors.ts";
import type { Runtime } from "./ort.ts";

/** Why they stopped, by what makes their sessions. */
const stopped = new WeakMap<object, UserError>();

/** @throws UserError `runtime-lost` where it has aborted. */
export function checkRunning({ InferenceSession }: Runtime): void {
  const error = stopped.get(InferenceSession);
  if (error) throw error;
}

/** Remembers an abort; the error that tells of it, where a failure is one. */
export function abortOf(ort: Runtime | undefined, cause: unknown): UserError | undefined {
  if (!ort || !(cause instanceof WebAssembly.RuntimeError)) return undefined;
  const message = `lost runtime: ONNX Runtime Web has stopped (${cause.message}); load the page anew`;
  const error = new UserError("runtime-lost", message, { cause });
  stopped.set(ort.InferenceSession, error);
  return error;
}
