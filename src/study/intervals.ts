/**
 * @file How sure a mean over ratings is. Ratings of one person are alike, and so are ratings of one picture: intervals that take every
 * rating for itself are too narrow. Three answers: by people, by pictures (bootstraps), and by both at once.
 */

import { studentQuantile } from "../array/distributions.ts";
import type { Random } from "../array/random.ts";
import { bootstrap, type Estimate, mean, wilson } from "../array/statistics.ts";
import type { Rating } from "./study.ts";

/** Whose score counts, and how: a mean of one condition, or the difference of two. */
export interface Contrast {
  readonly condition: string;
  readonly than?: string;
}

export type Cluster = "participant" | "picture";

/** A mean of scores, or a difference of two. */
export function estimate(ratings: readonly Rating[], { condition, than }: Contrast): number {
  const of = (wanted: string) => mean(ratings.filter((r) => r.condition === wanted).map((r) => r.score));
  return of(condition) - (than === undefined ? 0 : of(than));
}

/**
 * With a 95 % interval for other people and other pictures: V = V(people) + V(pictures) - V(ratings), each from the sums of influences over
 * its clusters (Cameron, Gelbach and Miller 2011), and Student's t with the degrees of freedom of the fewer clusters.
 */
export function twoWay(ratings: readonly Rating[], contrast: Contrast): Estimate {
  const value = estimate(ratings, contrast);
  const influence = influences(ratings, contrast);
  const people = clusterVariance(ratings, influence, "participant");
  const pictures = clusterVariance(ratings, influence, "picture");
  const alone = influence.reduce((sum, v) => sum + v * v, 0);
  // Where neither people nor pictures differ, the sum falls below the variance of the ratings by chance alone.
  const variance = Math.max(people.variance + pictures.variance - alone, alone);
  const half = studentQuantile(0.975, Math.min(people.clusters, pictures.clusters) - 1) * Math.sqrt(variance);
  const count = ratings.filter((r) => r.condition === contrast.condition).length;
  return { value, low: value - half, high: value + half, count };
}

/** How far each rating moves the estimate. */
function influences(ratings: readonly Rating[], { condition, than }: Contrast): Float64Array {
  const out = new Float64Array(ratings.length);
  const add = (wanted: string, sign: number) => {
    const scores = ratings.filter((r) => r.condition === wanted).map((r) => r.score);
    const center = mean(scores);
    ratings.forEach((r, i) => {
      if (r.condition === wanted) out[i] += (sign * (r.score - center)) / scores.length;
    });
  };
  add(condition, 1);
  if (than !== undefined) add(than, -1);
  return out;
}

/** Sums of influences, squared, with the correction for few clusters. */
export function clusterVariance(
  ratings: readonly Rating[],
  influence: Float64Array,
  by: Cluster,
): { readonly variance: number; readonly clusters: number } {
  const sums = new Map<string, number>();
  ratings.forEach((r, i) => {
    if (influence[i] !== 0 || !sums.has(r[by])) sums.set(r[by], (sums.get(r[by]) ?? 0) + influence[i]);
  });
  const clusters = sums.size;
  const squares = [...sums.values()].reduce((sum, v) => sum + v * v, 0);
  return { variance: (squares * clusters) / (clusters - 1), clusters };
}

/** With a 95 % percentile interval by drawing people, or pictures, with replacement. */
export function bootstrapBy(by: Cluster, ratings: readonly Rating[], contrast: Contrast, random: Random): Estimate {
  const totals = new Map<string, [sum: number, count: number, thanSum: number, thanCount: number]>();
  for (const { [by]: cluster, condition, score } of ratings) {
    const at = condition === contrast.condition ? 0 : condition === contrast.than ? 2 : undefined;
    if (at === undefined) continue;
    const total = totals.get(cluster) ?? [0, 0, 0, 0];
    total[at] += score;
    total[at + 1]++;
    totals.set(cluster, total);
  }
  const statistic = (drawn: readonly (readonly number[])[]) => {
    let [sum, count, thanSum, thanCount] = [0, 0, 0, 0];
    for (const total of drawn) {
      sum += total[0];
      count += total[1];
      thanSum += total[2];
      thanCount += total[3];
    }
    return sum / count - (contrast.than === undefined ? 0 : thanSum / thanCount);
  };
  return bootstrap([...totals.values()], statistic, random);
}

/** As if every rating came from another person about another picture: Wilson's for fractions, Student's for scores. */
export function independent(scores: readonly number[], fraction: boolean): Estimate {
  const count = scores.length;
  const value = mean(scores);
  if (fraction) return wilson(Math.round(value * count), count);
  const variance = scores.reduce((sum, s) => sum + (s - value) ** 2, 0) / (count - 1);
  const half = studentQuantile(0.975, count - 1) * Math.sqrt(variance / count);
  return { value, low: value - half, high: value + half, count };
}
