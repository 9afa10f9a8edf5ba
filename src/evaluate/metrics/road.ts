/**
 * @file ROAD, remove and debias (Rong et al. 2022): pixels are replaced by what their neighbours foretell, not by a colour that says
 * where something was.
 *
 * Removed pixels are imputed from their neighbours, plus noise of 0.01. Most relevant first (MoRF) should lower the probability, least relevant first (LeRF)
 * should keep it: (LeRF - MoRF) / 2, mean over 10, 20 ... 90 % of the pixels. The fraction is taken by rank, so that a map of many zeros
 * still removes it.
 */
import type { Dense } from "../../array/dense.ts";
import { type Random, randomFor } from "../../array/random.ts";
import { mean } from "../../array/statistics.ts";
import { impute } from "./impute.ts";
import { each, type Metric } from "./metric.ts";
import { askVariants, byImportance, checkMap, isBlank, type Score } from "./variants.ts";

const percentiles = [10, 20, 30, 40, 50, 60, 70, 80, 90];
const noise = 0.01;

export const road: Metric = {
  name: "road",
  title: "ROAD",
  summary:
    "(LeRF - MoRF) / 2: half the difference between the probability without the least and without the most relevant pixels.",
  paper: "Rong et al. 2022, https://arxiv.org/abs/2202.00449",
  about: "predicted",
  better: "higher",
  measure: each(({ map, probe, random }) => roadOf(map, probe.input, probe.probabilities, { random })),
};

/** What is kept without the least relevant pixels (LeRF), without the most relevant ones (MoRF), and half their difference; undefined of a blank map. */
export async function roadOf(
  map: Float32Array,
  input: Dense,
  probability: Score,
  { random = randomFor("road") }: { readonly random?: Random } = {},
): Promise<{ combined: number; MoRF: number; LeRF: number } | undefined> {
  checkMap(map, input);
  if (isBlank(map)) return undefined;
  const order = byImportance(map);
  const removals = percentiles.flatMap((p) => {
    const count = Math.round((order.length * p) / 100);
    return [order.subarray(0, count), order.subarray(order.length - count)];
  });
  const noisy = (i: number) =>
    addNoise(impute(input, removals[i]), removals[i], input.dims, () => noise * random.normal());
  const kept = await askVariants(input, removals.length, noisy, probability);
  const morf = mean(kept.filter((_, i) => i % 2 === 0));
  const lerf = mean(kept.filter((_, i) => i % 2 === 1));
  return { combined: (lerf - morf) / 2, MoRF: morf, LeRF: lerf };
}

function addNoise(
  data: Float32Array,
  pixels: Uint32Array,
  [channels, h, w]: readonly number[],
  next: () => number,
): Float32Array {
  for (const p of pixels) for (let c = 0; c < channels; c++) data[c * h * w + p] += next();
  return data;
}
