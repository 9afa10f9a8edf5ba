/** @file Random masks of RISE, and the mean score under them: of images, signals and volumes alike. */
import { uniformFrom } from "../array/random.ts";
import { product } from "../onnx/dims.ts";
import { ofPicture, underMasks } from "./black-box/masked.ts";
import { picturesOf } from "./gradient/steps.ts";
import type { Explanation, MethodOptions, Question } from "./method.ts";

/** Draws masks, [...grid], one after the other. */
export function masksOf(grid: readonly number[], { cells, shown, seed }: MethodOptions): () => Float32Array {
  const uniform = uniformFrom(seed);
  // One cell more than is seen at once, for the shift.
  const coarse = grid.map(() => Number(cells) + 1);
  return () => {
    let mask = Float64Array.from({ length: product(coarse) }, () => (uniform() < Number(shown) ? 1 : 0));
    const shape = [...coarse];
    for (const [axis, length] of grid.entries()) {
      const step = length / Number(cells);
      const shift = Math.floor(uniform() * step);
      mask = enlarged(mask, shape, axis, length, (i) => (i + shift + 0.5) / step - 0.5);
      shape[axis] = length;
    }
    return Float32Array.from(mask);
  };
}

/** Linear interpolation along an axis, at places in cells, whose middles are whole numbers. */
function enlarged(
  values: Float64Array,
  shape: readonly number[],
  axis: number,
  length: number,
  placeOf: (i: number) => number,
): Float64Array<ArrayBuffer> {
  const [before, cells, behind] = [product(shape.slice(0, axis)), shape[axis] ?? 1, product(shape.slice(axis + 1))];
  const out = new Float64Array(before * length * behind);
  for (let i = 0; i < length; i++) {
    const place = Math.min(cells - 1, Math.max(0, placeOf(i)));
    const low = Math.floor(place);
    const [high, part] = [Math.min(cells - 1, low + 1), place - low];
    for (let b = 0; b < before; b++)
      for (let p = 0; p < behind; p++) {
        const at = (cell: number) => values[(b * cells + cell) * behind + p];
        out[(b * length + i) * behind + p] = (1 - part) * at(low) + part * at(high);
      }
  }
  return out;
}

/** How far above their mean the scores of masked pictures are for each target, at each place weighted by how far the masks show it. */
export async function meanUnderMasks(question: Question): Promise<Explanation> {
  const { image, k, options, progress, enough } = question;
  const [n = 0, , ...grid] = image.dims;
  const { samples } = options;
  const places = product(grid);
  const maps = new Float64Array(n * k * places);
  let drawn = samples;
  for (const [i, picture] of picturesOf(question).entries()) {
    const of = masksOf(grid, options); // of every picture anew: what is said of one does not depend on the others
    const seen = new Float64Array(places);
    const totals = new Float64Array(k);
    const add = (mask: Float32Array, scores: readonly number[]) => {
      for (let p = 0; p < places; p++) seen[p] += mask[p];
      for (const [j, score] of scores.entries()) {
        const to = (i * k + j) * places;
        totals[j] += score;
        for (let p = 0; p < places; p++) maps[to + p] += score * mask[p];
      }
    };
    // Of several pictures all have as many masks.
    const before = n > 1 ? ofPicture(question, i) : enough;
    drawn = await underMasks(question, i, picture, { count: samples, of }, add, before);
    // Where no mask shows anything of a place, nothing is known of it.
    for (let v = 0; v < k * places; v++) {
      const shown = seen[v % places];
      const at = i * k * places + v;
      maps[at] = shown > 0 ? maps[at] / shown - totals[Math.floor(v / places)] / drawn : 0;
    }
  }
  const answer = { maps: { data: Float32Array.from(maps), dims: [n * k, ...grid] } };
  if (drawn < samples) return { ...answer, partial: true };
  progress(1);
  return answer;
}
