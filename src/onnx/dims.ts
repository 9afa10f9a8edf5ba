/** @file Arithmetic on dimensions; -1 stands for one that only the run knows. */

/** Whether every dimension is known. */
export const isStatic = (dims: readonly number[] | undefined): boolean => dims?.every((d) => d >= 0) ?? false;

export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** 0, 1, ... n-1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Dimensions of a broadcast result; undefined where one is unknown. A 1 gives way to the other. */
export function broadcastDims(
  a: readonly number[] | undefined,
  b: readonly number[] | undefined,
): number[] | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  return range(rank).map((i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return p === 1 ? q : p === -1 && q !== 1 ? q : p;
  });
}

/** The dims with ones inserted, `axes` counted in the result. */
export function insertOnes(dims: readonly number[], axes: readonly number[]): number[] {
  const rest = [...dims];
  return range(dims.length + axes.length).map((i) => (axes.includes(i) ? 1 : (rest.shift() as number)));
}

/** The dims after a reduction over axes. */
export function reducedDims(
  dims: readonly number[] | undefined,
  axes: readonly number[],
  keep: boolean,
): number[] | undefined {
  if (!dims) return undefined;
  return keep ? dims.map((d, i) => (axes.includes(i) ? 1 : d)) : dims.filter((_, i) => !axes.includes(i));
}
