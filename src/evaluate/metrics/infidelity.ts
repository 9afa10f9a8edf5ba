/**
 * @file Infidelity (Yeh et al. 2019): how wrongly the map tells what small noise does to the score.
 *
 * For noise I, E[(sum I phi - (f(x) - f(x - I)))^2], where phi is the map, the same for each channel. Maps have scales of their own, so
 * phi is first scaled by the factor that fits best (captum's `normalize`).
 */
import type { Dense } from "../../array/dense.ts";
import { type Random, randomFor } from "../../array/random.ts";
import { sum } from "../../array/statistics.ts";
import { each, type Metric } from "./metric.ts";
import { askVariants, checkMap, type Score } from "./variants.ts";

const [runs, standardDeviation] = [50, 0.2];

export const infidelity: Metric = {
  name: "infidelity",
  title: "Infidelity",
  summary:
    "Mean squared error of the optimally scaled map as a predictor of the effect of noise (standard deviation 0.2) on the score, relative to that effect's variance.",
  paper: "Yeh et al. 2019, https://arxiv.org/abs/1901.09392",
  about: "predicted",
  better: "lower",
  measure: each(async ({ map, probe, random }) => ({
    infidelity: await infidelityOf(map, probe.input, probe.scores, { random }),
  })),
};

/** How much of what noise does to the score the best scaled map leaves unexplained: 0 where it tells all, 1 where it tells nothing. */
export async function infidelityOf(
  map: Float32Array,
  input: Dense,
  score: Score,
  { random = randomFor("infidelity") }: { readonly random?: Random } = {},
): Promise<number> {
  checkMap(map, input);
  const noise = Array.from({ length: runs }, () => input.data.map(() => standardDeviation * random.normal()));
  const variant = (i: number) => (i === 0 ? input.data : input.data.map((v, p) => v - noise[i - 1][p]));
  const [whole, ...noisy] = await askVariants(input, runs + 1, variant, score);
  const told = noise.map((n) => n.reduce((total, v, p) => total + v * map[p % map.length], 0));
  const done = noisy.map((score) => whole - score);
  return unexplained(told, done);
}

/** The fraction of `done`'s mean square that `told`, scaled by its best factor, leaves over: 1 where it tells nothing. */
export function unexplained(told: readonly number[], done: readonly number[]): number {
  const [square, both] = [sum(told.map((t) => t * t)), sum(told.map((t, i) => t * done[i]))];
  const factor = square > 0 ? both / square : 0;
  return sum(done.map((d, i) => (factor * told[i] - d) ** 2)) / sum(done.map((d) => d * d));
}
