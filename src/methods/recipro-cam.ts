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

/** What a mask lets through of a cell, by how far it is from the position along each axis. */
type Falloff = (apart: readonly number[]) => number;

const gaussian =
  (sigma: number): Falloff =>
  (apart) => {
    const square = apart.reduce((sum, d) => sum + d ** 2, 0);
    return sigma > 0 ? Math.exp(-square / (2 * sigma ** 2)) : Number(square === 0);
  };
const binomial: Falloff = (apart) => apart.reduce((all, d) => all * ([0.5, 0.25][Math.abs(d)] ?? 0), 1);

/** A mask for each position, in row-major order. */
function kept(grid: readonly number[], falloff: Falloff): Float32Array {
  const places = product(grid);
  const at = range(places).map((p) => grid.map((size, axis) => Math.floor(p / product(grid.slice(axis + 1))) % size));
  const masks = new Float32Array(places * places);
  for (const p of range(places))
    for (const q of range(places)) masks[p * places + q] = falloff(at[p].map((x, axis) => x - at[q][axis]));
  return masks;
}
