/** @file What it is to get samples examined, whoever does it: processes of this machine (pool.ts), or workers behind a queue (queue/). */
import { UserError } from "../errors.ts";
import type { Examined } from "./examine.ts";
import type { Sample } from "./sample.ts";
import type { Failure } from "./store.ts";
import type { Work } from "./work.ts";

/** What came of a sample, and how long it took. */
export type Answer = { readonly id: string; readonly seconds: number } & ({ readonly examined: Examined } | Failure);

export interface Errand {
  readonly work: Work;
  readonly signal?: AbortSignal;
  /** Called once for each sample, in any order. What it throws ends the examination. */
  onAnswer(answer: Answer): void;
  /** Told to the user: a wait, a worker that was refused. */
  onNotice(text: string): void;
}

/** Ends when every sample has its answer. @throws UserError when the work itself is wrong (no such model ...), or it was cancelled. */
export type ExamineAll = (samples: readonly Sample[], errand: Errand) => Promise<void>;

/** @throws UserError `cancelled`; a signal that was given before anybody listened has no event. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UserError("cancelled", "cancelled");
}

/** Acts on all, in order, on at most so many at once; the first error ends it, as does `enough`. */
export async function inTurn<T>(
  items: Iterable<T>,
  most: number,
  act: (item: T) => Promise<void>,
  enough: () => boolean = () => false,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async () => {
    while (!enough()) {
      const next = rest.next();
      if (next.done) return;
      await act(next.value);
    }
  };
  await Promise.all(Array.from({ length: most }, lane));
}
