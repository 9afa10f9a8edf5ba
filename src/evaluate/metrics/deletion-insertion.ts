/**
 * @file Deletion and insertion (Petsiuk et al. 2018, RISE): the probability while the most important pixels go, or come, first.
 *
 * Deleted pixels become 0 after normalisation (the mean colour); insertion starts from the blurred picture. Areas under the curve over
 * the share of pixels, by trapezoids. A blank map has no order, and is left out.
 */
import { area } from "../../array/statistics.ts";
import { type Case, each, type Metric } from "./metric.ts";
import { askVariants, blurred, byImportance, replaced } from "./variants.ts";

const about = { paper: "Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421", about: "predicted" } as const;

export const deletion: Metric = {
  ...about,
  name: "deletion",
  title: "Deletion",
  summary: "Area under the probability curve as the most important pixels are deleted first, in 28 steps.",
  better: "lower",
  measure: each(async (one) => (one.blank ? undefined : { area: area(await deletionCurve(one)) })),
};

export const insertion: Metric = {
  ...about,
  name: "insertion",
  title: "Insertion",
  summary:
    "Area under the probability curve as the most important pixels are inserted first into the blurred image, in 28 steps.",
  better: "higher",
  measure: each(async (one) => (one.blank ? undefined : { area: area(await insertionCurve(one)) })),
};

export const steps = 28;

export function deletionCurve({ map, probe }: Case, count = steps): Promise<Float32Array> {
  return curve({ map, probe }, count, probe.input.data, new Float32Array(probe.input.data.length));
}

export function insertionCurve({ map, probe }: Case, count = steps): Promise<Float32Array> {
  return curve({ map, probe }, count, blurred(probe.input), probe.input.data);
}

/** Probabilities of `from` with more and more pixels of `to`. */
function curve(
  { map, probe }: Pick<Case, "map" | "probe">,
  count: number,
  from: Float32Array,
  to: Float32Array,
): Promise<Float32Array> {
  const order = byImportance(map);
  const start = { data: from, dims: probe.input.dims };
  const variant = (step: number) => replaced(start, order.subarray(0, Math.round((order.length * step) / count)), to);
  return askVariants(probe.input, count + 1, variant, probe.probabilities);
}
