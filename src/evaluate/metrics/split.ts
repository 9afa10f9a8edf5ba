/** @file Two halves of a set, for what must be chosen on one and judged on the other; a picture's half depends on its name alone. */
import type { Measured } from "./metric.ts";

export function halves(measured: readonly Measured[]): [Measured[], Measured[]] {
  const split: [Measured[], Measured[]] = [[], []];
  for (const one of measured) split[halfOf(one)].push(one);
  return split;
}

/** Asked again for every bootstrap draw. */
const known = new WeakMap<Measured, number>();

function halfOf(one: Measured): number {
  const half = known.get(one) ?? parity(one.picture);
  known.set(one, half);
  return half;
}

const parity = (name: string): number => {
  let h = 7;
  for (let i = 0; i < name.length; i++) h = (Math.imul(h, 31) + name.charCodeAt(i)) | 0;
  return (h ^ (h >>> 16)) & 1;
};
