/**
 * @file The Sobol sequence (Sobol 1967): points that fill a cube of many dimensions more evenly than random ones, by the direction numbers
 * of Joe and Kuo 2008, in the order of Gray codes (Antonov and Saleev 1979). The first 2^m points have 2^(m-k) in each 2^-k of every axis.
 */
import { directions } from "./sobol-directions.ts";

const bits = 30;

/** The bits that a dimension flips: one number for each bit of the index. */
function flipsOf(entry: string): Uint32Array {
  const [polynomial, ...odd] = entry.split(",").map(Number);
  const degree = odd.length;
  const numbers = [...odd];
  // m_k = m_(k-s) ^ 2^s m_(k-s) ^ the sum over the polynomial's inner terms of 2^i m_(k-i)
  for (let k = degree; k < bits; k++) {
    let next = numbers[k - degree] ^ (numbers[k - degree] << degree);
    for (let i = 1; i < degree; i++) if ((polynomial >> (degree - i)) & 1) next ^= numbers[k - i] << i;
    numbers.push(next);
  }
  return Uint32Array.from(numbers.slice(0, bits), (number, k) => number << (bits - 1 - k));
}

const entries = directions.trim().split(/\s+/);

/** How many dimensions a point can have. */
export const sobolDimensions = entries.length + 1;

/** The first points of the sequence, [count, dimensions] of values in [0, 1), the first of them 0; `count` up to 2^30. */
export function sobolSequence(dimensions: number, count: number): Float64Array {
  const first = Uint32Array.from({ length: bits }, (_, k) => 2 ** (bits - 1 - k));
  const flips = [first, ...entries.slice(0, dimensions - 1).map(flipsOf)].slice(0, dimensions);
  const at = new Uint32Array(dimensions);
  const points = new Float64Array(dimensions * count);
  for (let i = 1; i < count; i++) {
    const lowestZero = 31 - Math.clz32(~(i - 1) & i);
    for (let d = 0; d < dimensions; d++) {
      at[d] ^= flips[d][lowestZero];
      points[i * dimensions + d] = at[d] / 2 ** bits;
    }
  }
  return points;
}
