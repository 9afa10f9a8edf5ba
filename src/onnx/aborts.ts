/**
 * @file An abort inside of ONNX Runtime Web, of which its own promise hears nothing: where WebAssembly had been suspended (on WebGPU it
 * always is), the error ends in the event loop, and who waits for the session would wait for ever.
 */

/** Ends with the work, or with the error that ended it unheard. */
export function orAborted<T>(work: Promise<T>): Promise<T> {
  const { addEventListener: listen, removeEventListener: unlisten } = globalThis;
  if (typeof listen !== "function" || typeof unlisten !== "function") return work; // Node has no such events
  return new Promise((resolve, reject) => {
    const hear = (event: Event) => {
      const { reason, error = reason } = event as Event & { reason?: unknown; error?: unknown };
      // If the promise does hear of it after all, it comes first.
      if (isRuntimes(error)) setTimeout(() => reject(error), 100);
    };
    const events = ["unhandledrejection", "error"];
    for (const event of events) listen(event, hear);
    const done = () => {
      for (const event of events) unlisten(event, hear);
    };
    work.then(resolve, reject).finally(done);
  });
}

/** Whether an error comes out of WebAssembly. */
const isRuntimes = (error: unknown): boolean =>
  error instanceof WebAssembly.RuntimeError ||
  (error instanceof Error && /wasm-function|wasm:\/\//.test(error.stack ?? ""));
