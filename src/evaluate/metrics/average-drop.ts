/**
 * @file Average drop and increase in confidence (Chattopadhay et al. 2018, Grad-CAM++), and average gain (Zhang et al. 2024, Opti-CAM):
 * the probability when only what the map shows is left of the picture. A blank map shows nothing, and is left out: what a network says
 * of nothing must not count as an increase.
 */
import type { Dense } from "../../array/dense.ts";
import { each, type Metric } from "./metric.ts";
import { askVariants, checkMap, isBlank, type Score } from "./variants.ts";

export const averageDrop: Metric = {
  name: "average-drop",
  title: "Average drop, increase, gain",
  summary:
    "Change of the probability when the input is multiplied by the map (0 to 1): a low drop, a high increase and a high gain are better.",
  paper: "Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
  about: "predicted",
  better: "neither",
  measure: each(({ map, probe }) => dropOf(map, probe.input, probe.probabilities)),
};

/** What a probability loses, and gains, when the input is multiplied by the map (0 to 1); undefined of a blank map. */
export async function dropOf(
  map: Float32Array,
  input: Dense,
  probability: Score,
): Promise<{ drop: number; increase: 0 | 1; gain: number } | undefined> {
  checkMap(map, input);
  if (isBlank(map)) return undefined;
  const most = map.reduce((a, b) => (b > a ? b : a), 0);
  const shown = input.data.map((v, i) => v * Math.max(0, map[i % map.length] / most));
  const [whole, left] = await askVariants(input, 2, (i) => (i === 0 ? input.data : shown), probability);
  return {
    drop: Math.max(0, whole - left) / whole,
    increase: left > whole ? 1 : 0,
    gain: whole < 1 ? Math.max(0, left - whole) / (1 - whole) : 0,
  };
}
