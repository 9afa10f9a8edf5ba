/**
 * @file Does the map's sum over pixels tell what taking them away costs? Faithfulness correlation (Bhatt et al. 2020) with subsets of 224
 * pixels, and sensitivity-n (Ancona et al. 2018) with subsets of many sizes. Pixels taken away become 0 after normalisation.
 */
import { pearson } from "../../array/correlation.ts";
import { type Case, each, type Metric } from "./metric.ts";
import { askVariants, replaced } from "./variants.ts";

export const faithfulnessCorrelation: Metric = {
  name: "faithfulness-correlation",
  title: "Faithfulness correlation",
  summary:
    "Pearson's correlation, over 100 random subsets of 224 pixels, of the map's sum with the drop in score when they are removed.",
  paper: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631",
  about: "predicted",
  better: "higher",
  measure: each(async (one) => ({ correlation: await subsetCorrelation(one, 224, 100) })),
};

export const sensitivityN: Metric = {
  name: "sensitivity-n",
  title: "Sensitivity-n",
  summary: "The same for subsets of 1 %, 10 %, 30 % and 60 % of the pixels, 50 of each.",
  paper: "Ancona et al. 2018, https://arxiv.org/abs/1711.06104",
  about: "predicted",
  better: "higher",
  measure: each(async (one) => {
    const values: Record<string, number> = {};
    for (const share of [1, 10, 30, 60])
      values[`${share} %`] = await subsetCorrelation(one, Math.round((one.map.length * share) / 100), 50);
    return values;
  }),
};

/** A map that is constant correlates with nothing. */
export async function subsetCorrelation({ map, probe, random }: Case, size: number, runs: number): Promise<number> {
  const nothing = new Float32Array(probe.input.data.length);
  const subsets = Array.from({ length: runs }, () => random.choose(size, map.length).slice());
  const scores = await askVariants(
    probe.input,
    runs + 1,
    (i) => (i === 0 ? probe.input.data : replaced(probe.input, subsets[i - 1], nothing)),
    probe.scores,
  );
  const sums = subsets.map((subset) => subset.reduce((total, p) => total + map[p], 0));
  const rho = pearson(
    sums,
    scores.subarray(1).map((score) => scores[0] - score),
  );
  return Number.isNaN(rho) ? 0 : rho;
}
