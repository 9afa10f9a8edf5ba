/** @file Variants of a network's input: pixels in the order of a map, pixels replaced, and runs of many variants at once. */

import type { Dense } from "../../array/dense.ts";
import { UserError } from "../../errors.ts";
import { product } from "../../onnx/dims.ts";

/** What a network says of some variants of an input, [v, C, H, W]: a number of each, its score or its probability of the class that is explained. */
export type Score = (variants: Dense) => ArrayLike<number> | Promise<ArrayLike<number>>;

/** @throws UserError `invalid-input` for an input that is not [C, H, W], and for a map that has not a value for each of its pixels. */
export function checkMap(map: Float32Array, { data, dims }: Dense): void {
  const [, height, width] = dims;
  if (dims.length !== 3 || data.length !== product(dims))
    throw new UserError(
      "invalid-input",
      `invalid input: expected [C, H, W], seen [${dims.join(", ")}] with ${data.length} values`,
    );
  if (map.length !== height * width)
    throw new UserError(
      "invalid-input",
      `invalid map: expected ${height} x ${width} values, one for each pixel of the input, seen ${map.length}`,
    );
}

/** Whether a map shows nothing: it has no value above 0. */
export const isBlank = (map: Float32Array): boolean => !map.some((v) => v > 0);

/** Variants in one run: enough to keep the cores busy, few enough for memory. */
const batch = 16;

/** Pixels by falling value; equal ones in reading order. */
export const byImportance = (map: Float32Array): Uint32Array =>
  Uint32Array.from(map.keys()).sort((a, b) => map[b] - map[a] || a - b);

/** The input with some pixels taken from another one, in all channels. */
export function replaced(input: Dense, pixels: Iterable<number>, other: Float32Array): Float32Array {
  const [channels, height, width] = input.dims;
  const data = input.data.slice();
  for (const p of pixels) for (let at = p, c = 0; c < channels; c++, at += height * width) data[at] = other[at];
  return data;
}

/** What `ask` says of `count` variants, made one batch at a time. */
export async function askVariants(
  input: Dense,
  count: number,
  variant: (index: number) => Float32Array,
  ask: Score,
): Promise<Float32Array> {
  const size = product(input.dims);
  const answers = new Float32Array(count);
  for (let first = 0; first < count; first += batch) {
    const some = Math.min(batch, count - first);
    const data = new Float32Array(some * size);
    for (let i = 0; i < some; i++) data.set(variant(first + i), i * size);
    const said = await ask({ data, dims: [some, ...input.dims] });
    if (said?.length !== some)
      throw new UserError(
        "invalid-input",
        `invalid scores: expected ${some} numbers, one for each variant, seen ${said?.length}`,
      );
    answers.set(said, first);
  }
  return answers;
}

/** A Gaussian blur of each channel, 11 x 11 with standard deviation 5, zeros outside: RISE's baseline for insertion. */
export function blurred({ data, dims: [channels, height, width] }: Dense): Float32Array {
  const weights = Float64Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / 50));
  const total = weights.reduce((a, b) => a + b, 0);
  const along = (from: Float32Array, step: number, length: number, place: (i: number) => number): Float32Array =>
    from.map((_, i) => {
      let value = 0;
      for (let k = -5; k <= 5; k++) {
        const at = place(i) + k;
        if (at >= 0 && at < length) value += from[i + k * step] * (weights[k + 5] / total);
      }
      return value;
    });
  const out = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    const plane = data.subarray(c * height * width, (c + 1) * height * width);
    const across = along(plane, 1, width, (i) => i % width);
    out.set(
      along(across, width, height, (i) => Math.floor(i / width)),
      c * height * width,
    );
  }
  return out;
}
