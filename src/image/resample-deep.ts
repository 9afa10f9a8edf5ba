/**
 * @file Resizing pixels of 16 bits, equal to Pillow's `Image.resize` of mode "I;16" band by band: weights as they are, and a rounding to
 * whole numbers between the passes.
 */
import type { Size } from "./geometry.ts";

/** Which source pixels each target pixel is made of: `counts[i]` of them from `starts[i]` on, weights from `i * stride` on. */
export interface Taps<Weights = Int32Array> {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Weights;
  readonly stride: number;
}

/**
 * @param data red, green, blue of each pixel
 * @param sides what each column and each row of the result is made of
 */
export function resampleDeep(
  data: Uint16Array,
  { width, height }: Size,
  [across, down]: readonly [Taps<Float64Array>, Taps<Float64Array>],
  downFirst: boolean,
): Uint16Array {
  const columns = across.starts.length;
  if (!downFirst) return pass(pass(data, across, height, width * 3, 3), down, 1, 0, columns * 3);
  return pass(pass(data, down, 1, 0, width * 3), across, down.starts.length, width * 3, 3);
}

/** One pass over `lines` lines, `stride` values apart, of places of `inside` values each. */
function pass(
  data: Uint16Array,
  { starts, counts, weights, stride }: Taps<Float64Array>,
  lines: number,
  between: number,
  inside: number,
) {
  const out = new Uint16Array(lines * starts.length * inside);
  let at = 0;
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < starts.length; i++)
      for (let c = 0; c < inside; c++) {
        let sum = 0;
        for (let k = 0; k < counts[i]; k++)
          sum += data[line * between + (starts[i] + k) * inside + c] * weights[i * stride + k];
        out[at++] = Math.min(65535, Math.max(0, Math.trunc(sum + 0.5)));
      }
  return out;
}
