/** @file Ctrl-C and SIGTERM: what is under way ends in an orderly manner where that matters, and within a second in any case. */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { UserError } from "../errors.ts";
import { exitCodes } from "./about.ts";
import { Place } from "./guard.ts";

const shared = new Int32Array(new SharedArrayBuffer(4 * Object.keys(Place).length));

const end = (): never => process.exit(exitCodes.interrupted);

/**
 * From now on Ctrl-C ends the process with 130: at once where nothing listens for it, and at the second time in any case. A handler in
 * JavaScript does not run while JavaScript computes (a large file, a tokenizer's pattern without an end): then guard.ts ends what computes.
 * SIGTERM keeps its default, an end at once, wherever nothing listens for it.
 */
export function listen(): void {
  let times = 0;
  process.on("SIGINT", () => {
    if (++times > 1 || process.listenerCount("SIGINT") === 1) end();
  });
  const guard = new Worker(fileURLToPath(new URL("./guard.js", import.meta.url)), { workerData: shared });
  guard.on("message", () => {
    // What computed is gone, and whoever waits for it would wait for ever.
    if (Atomics.load(shared, Place.forced)) end();
    process.emit("SIGINT", "SIGINT");
    Atomics.add(shared, Place.heard, 1);
    Atomics.notify(shared, Place.heard);
  });
  // Without it signals are heard all the same, if not while JavaScript computes.
  guard.on("error", () => {});
  guard.unref();
  process.on("exit", () => {
    if (Atomics.load(shared, Place.forced)) process.exitCode = exitCodes.interrupted;
  });
}

/** Milliseconds that work has to end in an orderly manner. */
const patience = 700;

export interface Orderly {
  /** Of the process, that end the work: handled while it lasts, and once. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Whether work finishes what it has at hand, however long that takes, and has then ended well; a second signal ends it. */
  readonly finishes?: boolean;
}

/** Work that is told of signals, and ends by itself. @throws UserError `cancelled` where it was told. */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signals = ["SIGINT"], finishes = false }: Orderly = {},
): Promise<T> {
  const stop = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const interrupt = () => {
    if (!finishes) {
      late ??= setTimeout(end, patience);
      Atomics.store(shared, Place.ending, 1);
    }
    stop.abort();
  };
  for (const signal of signals) process.once(signal, interrupt);
  try {
    const result = await work(stop.signal);
    if (stop.signal.aborted && !finishes) throw new UserError("cancelled", "cancelled");
    return result;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    clearTimeout(late);
  }
}
