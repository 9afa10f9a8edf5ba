/** @file Max-sensitivity (Yeh et al. 2019): how far the map moves when the input moves a little. */
import type { Dense } from "../../array/dense.ts";
import { type Random, randomFor } from "../../array/random.ts";
import { each, type Metric } from "./metric.ts";
import { checkMap } from "./variants.ts";

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
    const change = await sensitivityOf(map, probe.input, probe.mapOf, { random });
    return change === undefined ? undefined : { change };
  }),
};

/**
 * The largest relative change of a map over inputs that were moved a little; undefined of a map of zeros.
 * @param explain the map of another input, [C, H, W]
 */
export async function sensitivityOf(
  map: Float32Array,
  input: Dense,
  explain: (moved: Dense) => Float32Array | Promise<Float32Array>,
  { random = randomFor("max-sensitivity") }: { readonly random?: Random } = {},
): Promise<number | undefined> {
  checkMap(map, input);
  const size = Math.hypot(...norms(map));
  if (size === 0) return undefined;
  let most = 0;
  for (let run = 0; run < runs; run++) {
    const data = input.data.map((v) => v + radius * (2 * random.uniform() - 1));
    const moved = await explain({ data, dims: input.dims });
    checkMap(moved, input);
    most = Math.max(most, Math.hypot(...norms(moved.map((v, i) => v - map[i]))) / size);
  }
  return most;
}

/** Lengths of pieces, so that their length is that of the whole without a stack of 50,000 arguments. */
function norms(values: Float32Array): number[] {
  const out: number[] = [];
  for (let i = 0; i < values.length; i += 4096) out.push(Math.hypot(...values.subarray(i, i + 4096)));
  return out;
}
