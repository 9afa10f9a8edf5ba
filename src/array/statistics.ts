/** @file Means with intervals, and paired differences: what turns measurements into statements. */
import type { Random } from "./random.ts";

/** An estimate, with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Pictures behind it. */
  readonly count: number;
}

export const mean = (values: ArrayLike<number>): number => sum(values) / values.length;

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** The area under a curve of equal steps over 0 .. 1, by trapezoids. */
export function area(curve: ArrayLike<number>): number {
  const inner = sum(curve) - (curve[0] + curve[curve.length - 1]) / 2;
  return inner / (curve.length - 1);
}

/** The value below which a share of sorted numbers lies, interpolated as numpy's `quantile`. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** How often a bootstrap draws: fewer times from very many pictures, whose intervals are narrow. */
export const drawsFrom = (clusters: number): number => Math.max(200, Math.min(2000, Math.floor(2e7 / clusters)));

/**
 * A statistic over clusters (pictures), with its percentile bootstrap interval (Efron 1979): clusters are drawn with replacement.
 * @param statistic of drawn clusters; draws where it is NaN are left out.
 */
export function bootstrap<T>(
  clusters: readonly T[],
  statistic: (drawn: readonly T[]) => number,
  random: Random,
): Estimate {
  const value = statistic(clusters);
  const drawn: number[] = [];
  const draws = clusters.length > 1 ? drawsFrom(clusters.length) : 0;
  for (let d = 0; d < draws; d++) {
    const v = statistic(clusters.map(() => clusters[random.below(clusters.length)]));
    if (!Number.isNaN(v)) drawn.push(v);
  }
  if (drawn.length === 0) return { value, low: Number.NaN, high: Number.NaN, count: clusters.length };
  drawn.sort((a, b) => a - b);
  return { value, low: quantile(drawn, 0.025), high: quantile(drawn, 0.975), count: clusters.length };
}

/** Wilson's 95 % interval of a share (Wilson 1927). */
export function wilson(hits: number, count: number): Estimate {
  if (count === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN, count };
  const z = 1.959963984540054;
  const p = hits / count;
  const scale = 1 + z ** 2 / count;
  const middle = (p + z ** 2 / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((p * (1 - p)) / count + z ** 2 / (4 * count ** 2));
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half), count };
}
