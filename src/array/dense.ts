/** @file Numbers with a shape: the array that everything above the runtime speaks of. */

import { InternalError } from "../errors.ts";

/** Numbers with a shape, row-major. */
export interface Dense {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

interface Ranks {
  readonly 1: readonly [number];
  readonly 2: readonly [number, number];
  readonly 3: readonly [number, number, number];
}

/** Dimensions that are so many; @throws InternalError for others. */
export function ofRank<R extends keyof Ranks>(dims: readonly number[], rank: R): Ranks[R] {
  if (dims.length !== rank) throw new InternalError(`[${dims}] are not ${rank} dimensions`);
  return dims as readonly number[] as Ranks[R];
}
