/** @file Gaussian blur of a picture, along each axis of its grid: of images, signals and volumes alike. */
import { product } from "../../onnx/dims.ts";
import type { Picture } from "./steps.ts";

/** What lies beyond the border: nothing, 0; the border itself, on and on; or the picture in a mirror that stands on it. */
export type Beyond = "zero" | "border" | "mirror";

/** The kernel on one side of its middle, cut off at 4 standard deviations as SciPy does, of sum 1 with its mirror image. */
function halfKernel(sigma: number): Float64Array {
  const half = Float64Array.from({ length: Math.floor(4 * sigma + 0.5) + 1 }, (_, d) =>
    Math.exp(-0.5 * (d / sigma) ** 2),
  );
  const total = half.reduce((sum, weight, d) => sum + (d === 0 ? weight : 2 * weight), 0);
  return half.map((weight) => weight / total);
}

/** What each place of an axis takes of each other one: [length, length]. */
function weights(length: number, sigma: number, beyond: Beyond): Float64Array {
  const kernel = halfKernel(sigma);
  const matrix = new Float64Array(length * length);
  for (let to = 0; to < length; to++)
    for (let d = 1 - kernel.length; d < kernel.length; d++) {
      const from = to + d;
      if (beyond === "zero" && (from < 0 || from >= length)) continue;
      const held = beyond === "mirror" ? mirrored(from, length) : Math.min(length - 1, Math.max(0, from));
      matrix[to * length + held] += kernel[Math.abs(d)] ?? 0;
    }
  return matrix;
}

/** The place that is seen in mirrors at both ends. */
function mirrored(place: number, length: number): number {
  const round = ((place % (2 * length)) + 2 * length) % (2 * length);
  return round < length ? round : 2 * length - 1 - round;
}

/** A picture, [C, ...grid], blurred by a standard deviation in pixels. */
export const blurred = (picture: Picture, sigma: number, beyond: Beyond): Float32Array =>
  sigma === 0 ? picture.data : Float32Array.from(smoothed(picture.data, picture.dims, sigma, beyond));

/** The same of values of any kind, and unrounded. */
export function smoothed(
  data: ArrayLike<number>,
  dims: readonly number[],
  sigma: number,
  beyond: Beyond,
): Float64Array<ArrayBuffer> {
  let values = Float64Array.from(data);
  for (let axis = 1; axis < dims.length; axis++) {
    const length = dims[axis] ?? 1;
    values = along(values, length, product(dims.slice(axis + 1)), weights(length, sigma, beyond));
  }
  return values;
}

/** Each place of an axis as a weighted sum over the axis; `inner` values lie between two places. */
function along(values: Float64Array, length: number, inner: number, matrix: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length);
  for (let block = 0; block < values.length; block += length * inner)
    for (let to = 0; to < length; to++) {
      if (inner === 1) {
        let sum = 0;
        for (let from = 0; from < length; from++) sum += matrix[to * length + from] * values[block + from];
        out[block + to] = sum;
        continue;
      }
      for (let from = 0; from < length; from++) {
        const weight = matrix[to * length + from];
        if (weight === 0) continue;
        const [source, target] = [block + from * inner, block + to * inner];
        for (let p = 0; p < inner; p++) out[target + p] += weight * values[source + p];
      }
    }
  return out;
}
