/**
 * @file Seeded randomness that is the same in every engine: integers only.
 *
 * Mulberry32, whose state is one 32-bit number; the seed is mixed first, so that neighbouring seeds share nothing.
 */

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
  let state = mix((mix(seed | 0) + Math.imul(stream, 0x9e3779b9)) | 0);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    return mix(state);
  };
  const integer = (least: number, most: number) => {
    if (!(most >= least)) throw new InternalError(`a number from ${least} to ${most}`);
    return least + Math.floor((next() / 0x1_0000_0000) * (most - least + 1));
  };
  return {
    integer,
    chance: (percent) => integer(1, 100) <= percent,
    pick: (list) => list[integer(0, list.length - 1)],
    shuffle(list) {
      const out = [...list];
      for (let i = out.length - 1; i > 0; i--) {
        const j = integer(0, i);
        [out[i], out[j]] = [out[j], out[i]];
      }
      return out;
    },
  };
}

function mix(value: number): number {
  let t = Math.imul(value ^ (value >>> 15), value | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}
