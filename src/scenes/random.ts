/** @file What scenes are drawn by: whole numbers of one seed, which is mixed first, so that neighbouring seeds share nothing. */

import { mixed, shuffle, uniformFrom } from "../array/random.ts";
import { InternalError } from "../errors.ts";

/** Draws from one seed, in the order in which they are asked for. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean;
  /** One of the list. */
  pick<T>(list: readonly T[]): T;
  /** The list in another order. */
  shuffle<T>(list: readonly T[]): T[];
}

/**
 * @param seed a whole number; only its lowest 32 bits count
 * @param stream a second whole number: other draws from the same seed
 */
export function seeded(seed: number, stream = 0): Random {
  const uniform = uniformFrom(mixed((mixed(seed | 0) + Math.imul(stream, 0x9e3779b9)) | 0));
  const integer = (least: number, most: number) => {
    if (!(most >= least)) throw new InternalError(`a number from ${least} to ${most}`);
    return least + Math.floor(uniform() * (most - least + 1));
  };
  return {
    integer,
    chance: (percent) => integer(1, 100) <= percent,
    pick: (list) => list[integer(0, list.length - 1)],
    shuffle(list) {
      const out = [...list];
      shuffle(out, uniform);
      return out;
    },
  };
}
