/** @file The picture that stands for the absence of evidence, from which a path to the picture starts. */
import { product } from "../../onnx/dims.ts";
import { blurred } from "./blur.ts";
import type { Picture } from "./steps.ts";

/** A value after normalisation, of which 0 is the mean colour; the picture blurred; or the mean of each of its channels. */
export type Baseline = number | "blur" | "mean";

/** A blur that leaves the colours of large parts alone: the standard deviation, over the longest side. */
const blurOfSide = 0.1;

export function baselineOf(picture: Picture, baseline: Baseline): Float32Array {
  const { data, dims } = picture;
  if (typeof baseline === "number") return new Float32Array(data.length).fill(baseline);
  const grid = dims.slice(1);
  if (baseline === "blur") return blurred(picture, blurOfSide * Math.max(...grid), "border");
  const size = product(grid);
  const means = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += size)
    means.fill(data.subarray(from, from + size).reduce((sum, value) => sum + value, 0) / size, from, from + size);
  return means;
}
