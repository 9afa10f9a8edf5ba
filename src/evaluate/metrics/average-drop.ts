/**
 * @file Average drop and increase in confidence (Chattopadhay et al. 2018, Grad-CAM++), and average gain (Zhang et al. 2024, Opti-CAM):
 * the probability when only what the map shows is left of the picture. A blank map shows nothing, and is left out: what a network says
 * of nothing must not count as an increase.
 */
import { each, type Metric } from "./metric.ts";

export const averageDrop: Metric = {
  name: "average-drop",
  title: "Average drop, increase, gain",
  summary:
    "Change of the probability when the input is multiplied by the map (0 to 1): a low drop, a high increase and a high gain are better.",
  paper: "Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
  about: "predicted",
  better: "neither",
  measure: each(async ({ map, blank, probe }) => {
    if (blank) return undefined;
    const { data, dims } = probe.input;
    const most = map.reduce((a, b) => (b > a ? b : a), 0);
    const shown = data.map((v, i) => v * Math.max(0, map[i % map.length] / most));
    const both = new Float32Array(2 * data.length);
    both.set(data);
    both.set(shown, data.length);
    const [whole, left] = await probe.probabilities({ data: both, dims: [2, ...dims] });
    return {
      drop: Math.max(0, whole - left) / whole,
      increase: left > whole ? 1 : 0,
      gain: whole < 1 ? Math.max(0, left - whole) / (1 - whole) : 0,
    };
  }),
};
