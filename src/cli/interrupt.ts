/** @file Ctrl-C during long work: what is under way ends in an orderly manner. */

/** @param signals of the process that end the work; handled while it lasts, and once */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signals: readonly NodeJS.Signals[] = ["SIGINT"],
): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
