/** @file Max-sensitivity (Yeh et al. 2019): how far the map moves when the input moves a little. */
import { each, type Metric } from "./metric.ts";

/** In units of the normalised input. */
const [runs, radius] = [10, 0.02];

export const maxSensitivity: Metric = {
  name: "max-sensitivity",
  title: "Max-sensitivity",
  summary: "The largest relative change of the map over 10 inputs with uniform noise of at most 0.02.",
  paper: "Yeh et al. 2019, https://arxiv.org/abs/1901.09392",
  about: "predicted",
  better: "lower",
  measure: each(async ({ map, probe, random }) => {
    const size = Math.hypot(...norms(map));
    if (size === 0) return undefined;
    let most = 0;
    for (let run = 0; run < runs; run++) {
      const data = probe.input.data.map((v) => v + radius * (2 * random.uniform() - 1));
      const moved = await probe.mapOf({ data, dims: probe.input.dims });
      most = Math.max(most, Math.hypot(...norms(moved.map((v, i) => v - map[i]))) / size);
    }
    return { change: most };
  }),
};

/** Lengths of pieces, so that their length is that of the whole without a stack of 50,000 arguments. */
function norms(values: Float32Array): number[] {
  const out: number[] = [];
  for (let i = 0; i < values.length; i += 4096) out.push(Math.hypot(...values.subarray(i, i + 4096)));
  return out;
}
