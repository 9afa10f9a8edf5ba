/** @file Maps of methods that find the weights of a layer's channels by runs: sum_k w_k A_k, and the part of it that is asked for. */
import type { Dense } from "../array/dense.ts";
import { product, range } from "../onnx/dims.ts";
import type { Explanation, Question } from "./method.ts";
import { partOf } from "./signed-maps.ts";

/**
 * @param weigh of an image and its activations [1, C, ...grid], the weights of the channels for each of its k targets
 */
export async function channelWeighted(
  { image, k, options, activations }: Pick<Question, "image" | "k" | "options" | "activations">,
  weigh: (index: number, activations: Dense) => Promise<readonly Float32Array[]>,
): Promise<Explanation> {
  const all: Float32Array[] = [];
  let grid: readonly number[] = [];
  for (const index of range(image.dims[0])) {
    const of = await activations(index);
    grid = of.dims.slice(2);
    for (const weights of await weigh(index, of)) {
      const map = options.smooth === "principal-component" ? await component(of, weights) : sum(of, weights);
      all.push(map.map((value) => partOf(value, options.sign)));
    }
  }
  const data = new Float32Array(all.length * product(grid));
  for (const [i, map] of all.entries()) data.set(map, i * map.length);
  return { maps: { data, dims: [image.dims[0] * k, ...grid] } };
}

function sum({ data }: Dense, weights: Float32Array): Float32Array {
  const places = data.length / weights.length;
  const map = new Float32Array(places);
  for (const [c, weight] of weights.entries()) for (let p = 0; p < places; p++) map[p] += weight * data[c * places + p];
  return map;
}

async function component({ data }: Dense, weights: Float32Array): Promise<Float32Array> {
  const { firstComponent } = await import("./first-component.ts"); // few ask for it
  const places = data.length / weights.length;
  return firstComponent(
    data.map((value, i) => value * weights[Math.floor(i / places)]),
    weights.length,
  );
}
