/** @file How concentrated a map is: sparseness (Gini index; Chalasani et al. 2020) and complexity (entropy; Bhatt et al. 2020). */
import { sum } from "../../array/statistics.ts";
import { each, type Metric } from "./metric.ts";

export const sparseness: Metric = {
  name: "sparseness",
  title: "Sparseness",
  summary: "Gini index of the map's magnitudes: 0 if all are equal, near 1 if a few hold everything.",
  paper: "Chalasani et al. 2020, https://arxiv.org/abs/1810.06583",
  about: "predicted",
  better: "neither",
  measure: each(({ map, blank }) => (blank ? undefined : { gini: gini(map) })),
};

export const complexity: Metric = {
  name: "complexity",
  title: "Complexity",
  summary: "Entropy (in nats) of the map's magnitudes as fractions of their sum.",
  paper: "Bhatt et al. 2020, https://arxiv.org/abs/2005.00631",
  about: "predicted",
  better: "neither",
  measure: each(({ map, blank }) => (blank ? undefined : { entropy: entropy(map) })),
};

export function gini(map: Float32Array): number {
  const sorted = Float64Array.from(map, Math.abs).sort();
  const n = sorted.length;
  const weighted = sorted.reduce((total, v, i) => total + (2 * (i + 1) - n - 1) * v, 0);
  return weighted / (n * sum(sorted));
}

export function entropy(map: Float32Array): number {
  const total = map.reduce((a, b) => a + Math.abs(b), 0);
  return -map.reduce((e, v) => (v === 0 ? e : e + (Math.abs(v) / total) * Math.log(Math.abs(v) / total)), 0);
}
