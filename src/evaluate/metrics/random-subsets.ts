/**
 * @file Does the map's sum over pixels tell what taking them away costs? Faithfulness correlation (Bhatt et al. 2020) with subsets of 224
 * pixels, and sensitivity-n (Ancona et al. 2018) with subsets of many sizes. Pixels taken away become 0 after normalisation.
 */
import { pearson } from "../../array/correlation.ts";
import type { Dense } from "../../array/dense.ts";
import { type Random, randomFor } from "../../array/random.ts";
import { expects } from "../../errors.ts";
import { each, type Metric } from "./metric.ts";
import { askVariants, checkMap, replaced, type Score } from "./variants.ts";

export const faithfulnessCorrelation: Metric = {
  name: "faithfulness-correlation",
  title: "Faithfulness correlation",
  summary:
    "Pearson's correlation, over 100 random subsets of 224 pixels, of the map's sum with the drop in score when they are removed.",
  paper: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631",
  about: "predicted",
  better: "higher",
  measure: each(async ({ map, probe: { input, scores }, random }) => ({
    correlation: await subsetCorrelation(map, input, scores, { random }),
  })),
};

export const sensitivityN: Metric = {
  name: "sensitivity-n",
  title: "Sensitivity-n",
  summary: "The same for subsets of 1 %, 10 %, 30 % and 60 % of the pixels, 50 of each.",
  paper: "Ancona et al. 2018, https://arxiv.org/abs/1711.06104",
  about: "predicted",
  better: "higher",
  measure: each(async ({ map, probe: { input, scores }, random }) => {
    const values: Record<string, number> = {};
    for (const percent of [1, 10, 30, 60]) {
      const size = Math.round((map.length * percent) / 100);
      values[`${percent} %`] = await subsetCorrelation(map, input, scores, { size, runs: 50, random });
    }
    return values;
  }),
};

/**
 * Pearson's correlation, over random subsets of so many pixels, of the map's sum with what the score loses when they become 0. A map that
 * is constant correlates with nothing: 0.
 */
export async function subsetCorrelation(
  map: Float32Array,
  input: Dense,
  score: Score,
  { size = 224, runs = 100, random = randomFor("subsets") }: SubsetOptions = {},
): Promise<number> {
  checkMap(map, input);
  expects(size > 0 && size <= map.length, "size", size, `1 to ${map.length} pixels, as many as the map has`);
  const nothing = new Float32Array(input.data.length);
  const subsets = Array.from({ length: runs }, () => random.choose(size, map.length).slice());
  const variant = (i: number) => (i === 0 ? input.data : replaced(input, subsets[i - 1], nothing));
  const scores = await askVariants(input, runs + 1, variant, score);
  const sums = subsets.map((subset) => subset.reduce((total, p) => total + map[p], 0));
  const rho = pearson(
    sums,
    scores.subarray(1).map((score) => scores[0] - score),
  );
  return Number.isNaN(rho) ? 0 : rho;
}

export interface SubsetOptions {
  /** Pixels of a subset. */
  readonly size?: number;
  readonly runs?: number;
  readonly random?: Random;
}
