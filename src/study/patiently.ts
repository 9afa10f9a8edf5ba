/** @file While another process has the file locked, one request waits and the others are served. */
import { setTimeout as sleep } from "node:timers/promises";

/** So many wait at once; who comes then is told at once. */
const mostWaiting = 200;

/** Whether SQLite said that another process is writing. */
export function isLocked(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return code === "SQLITE_BUSY" || (cause !== undefined && isLocked(cause));
}

/** Tries again, in growing steps, for as long as the file is locked; the file's own waiting must be off, for it would stop everybody. */
export class Patience {
  #waiting = 0;

  /** @param longest milliseconds that somebody waits at most */
  constructor(private readonly longest = 10_000) {}

  /** @param act is whole or without effect, since it may be tried many times. @throws what `act` throws, at the end also for a lock. */
  async for<T>(act: () => T): Promise<T> {
    const until = Date.now() + this.longest;
    for (let step = 5; ; step = Math.min(2 * step, 200)) {
      try {
        return act();
      } catch (error) {
        if (!isLocked(error) || Date.now() >= until || this.#waiting >= mostWaiting) throw error;
      }
      this.#waiting++;
      await sleep(step);
      this.#waiting--;
    }
  }
}
