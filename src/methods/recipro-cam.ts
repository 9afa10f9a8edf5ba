/**
 * @file Recipro-CAM (Byun and Lee 2022, arXiv 2209.14074; for transformers arXiv 2310.02588): the score of the layer with one position kept.
 *
 *   L_p = y(A * M_p),   M_p = 1 at the position p and 0 elsewhere, or a Gaussian around it, or (1 2 1) / 4 along each axis
 *
 * Tokens beside the grid, as the class token, stay. Only what lies behind the layer runs.
 */
import { product, range } from "../onnx/dims.ts";
import type { Explanation, Question } from "./method.ts";

export async function explain(question: Question): Promise<Explanation> {
  const { image, k, options, activations, respondAtLayer, progress } = question;
  const [n] = image.dims;
  const all: Float32Array[] = [];
  let grid: readonly number[] = [];
  for (const index of range(n)) {
    grid = (await activations(index)).dims.slice(2);
    const factors = {
      data: kept(grid, options.mask === "binomial" ? binomial : gaussian(options.sigma)),
      dims: [product(grid), 1, ...grid],
    };
    all.push(...(await respondAtLayer(index, factors, (done) => progress((index + done) / n))));
    progress((index + 1) / n);
  }
  const data = new Float32Array(n * k * product(grid));
  for (const [i, map] of all.entries()) data.set(map, i * map.length);
  return { maps: { data, dims: [n * k, ...grid] } };
}

/** What a mask lets through of a cell so far away along one axis; along several it is the product. */
type Falloff = (apart: number) => number;

const gaussian =
  (sigma: number): Falloff =>
  (apart) =>
    sigma > 0 ? Math.exp(-(apart ** 2) / (2 * sigma ** 2)) : Number(apart === 0);
const binomial: Falloff = (apart) => [0.5, 0.25][Math.abs(apart)] ?? 0;

/** A mask for each position, in row-major order. */
function kept(grid: readonly number[], falloff: Falloff): Float32Array {
  const places = product(grid);
  const masks = new Float32Array(places * places);
  for (const p of range(places)) {
    let mask = Float32Array.of(1);
    for (const [axis, size] of grid.entries()) {
      const at = Math.floor(p / product(grid.slice(axis + 1))) % size;
      const along = range(size).map((x) => falloff(x - at));
      const wider = new Float32Array(mask.length * size);
      for (const [i, value] of mask.entries())
        for (let x = 0; x < size; x++) wider[i * size + x] = value * (along[x] ?? 0);
      mask = wider;
    }
    masks.set(mask, p * places);
  }
  return masks;
}
