/**
 * @file Deletion and insertion (Petsiuk et al. 2018, RISE): the probability while the most important pixels go, or come, first.
 *
 * Deleted pixels become 0 after normalisation (the mean colour); insertion starts from the blurred picture. Areas under the curve over
 * the fraction of pixels, by trapezoids. A blank map has no order, and is left out.
 */
import type { Dense } from "../../array/dense.ts";
import { area } from "../../array/statistics.ts";
import { each, type Metric } from "./metric.ts";
import { askVariants, blurred, byImportance, checkMap, isBlank, replaced, type Score } from "./variants.ts";

const about = { paper: "Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421", about: "predicted" } as const;

export const deletion: Metric = {
  ...about,
  name: "deletion",
  title: "Deletion",
  summary: "Area under the probability curve as the most important pixels are deleted first, in 28 steps.",
  better: "lower",
  measure: each(({ map, probe }) => areaUnder(deletionCurve(map, probe.input, probe.probabilities))),
};

export const insertion: Metric = {
  ...about,
  name: "insertion",
  title: "Insertion",
  summary:
    "Area under the probability curve as the most important pixels are inserted first into the blurred image, in 28 steps.",
  better: "higher",
  measure: each(({ map, probe }) => areaUnder(insertionCurve(map, probe.input, probe.probabilities))),
};

const steps = 28;

const areaUnder = async (curve: Promise<Float32Array | undefined>) => {
  const points = await curve;
  return points && { area: area(points) };
};

/** The scores while the most important pixels become 0, first of the whole input; their {@link area} is the metric. Undefined of a blank map. */
export function deletionCurve(
  map: Float32Array,
  input: Dense,
  score: Score,
  count = steps,
): Promise<Float32Array | undefined> {
  return curve(map, input, score, count, input.data, new Float32Array(input.data.length));
}

/** The scores while the most important pixels come into the blurred input. */
export function insertionCurve(
  map: Float32Array,
  input: Dense,
  score: Score,
  count = steps,
): Promise<Float32Array | undefined> {
  return curve(map, input, score, count, blurred(input), input.data);
}

/** Scores of `from` with more and more pixels of `to`. */
async function curve(
  map: Float32Array,
  input: Dense,
  score: Score,
  count: number,
  from: Float32Array,
  to: Float32Array,
): Promise<Float32Array | undefined> {
  checkMap(map, input);
  if (isBlank(map)) return undefined;
  const order = byImportance(map);
  const start = { data: from, dims: input.dims };
  const variant = (step: number) => replaced(start, order.subarray(0, Math.round((order.length * step) / count)), to);
  return askVariants(input, count + 1, variant, score);
}
