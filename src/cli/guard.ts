/**
 * @file The thread that hears Ctrl-C while the main one computes. Signals are JavaScript's on the main thread alone, between two turns of its
 * loop; `breakOnSigint` is the one way for another thread to hear SIGINT, and the inspector the one way to end what computes there.
 */
import { Session } from "node:inspector";
import { runInThisContext } from "node:vm";
import { isMainThread, parentPort, workerData } from "node:worker_threads";

/** What the threads share: how many signals the main one has heard, whether it is about to end, or was ended by force; and a place to wait at. */
export const Place = { heard: 0, ending: 1, forced: 2, never: 3 } as const;

/** Milliseconds in which a main thread that does not compute has heard of a signal. */
const patience = 500;

if (!isMainThread && parentPort) watch(workerData as Int32Array, () => parentPort?.postMessage("SIGINT"));

function watch(shared: Int32Array, tell: () => void): void {
  // What is interrupted is a text of its own, which knows nothing but the global.
  Object.assign(globalThis, { untilInterrupted: () => Atomics.wait(shared, Place.never, 0) });
  for (;;) {
    try {
      runInThisContext("untilInterrupted()", { breakOnSigint: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_INTERRUPTED") throw error;
    }
    const heard = Atomics.load(shared, Place.heard);
    tell();
    Atomics.wait(shared, Place.heard, heard, patience);
    if (Atomics.load(shared, Place.heard) !== heard) {
      if (!Atomics.load(shared, Place.ending)) continue;
      // It has heard, and may have begun to compute since.
      Atomics.wait(shared, Place.never, 0, 2 * patience);
    }
    Atomics.store(shared, Place.forced, 1);
    // Whatever runs at the moment is ended, which may be the answer to this: until the process ends. From here on a second Ctrl-C has the
    // process's default action.
    for (;;) {
      const session = new Session();
      session.connectToMainThread();
      session.post("Runtime.terminateExecution");
      session.disconnect();
      tell();
      Atomics.wait(shared, Place.never, 0, patience);
    }
  }
}
