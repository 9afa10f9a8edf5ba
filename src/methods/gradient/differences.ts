/** @file DeepLIFT's multipliers: the backward pass over an image and its baseline side by side. */
import { rescale } from "../../autodiff/overrides/rescale.ts";
import { range } from "../../onnx/dims.ts";
import type { Explanation, Question } from "../method.ts";
import { baselineOf } from "./baseline.ts";
import { explanation, picturesOf } from "./steps.ts";

export async function timesMultipliers(question: Question): Promise<Explanation> {
  const { image, k, atInputs, progress, options } = question;
  const pictures = picturesOf(question);
  const values = new Float64Array(image.data.length * k);
  for (const [i, picture] of pictures.entries()) {
    const size = picture.data.length;
    const start = baselineOf(picture, options.baseline);
    for (const j of range(k)) {
      progress((i * k + j) / (pictures.length * k));
      const pair = { data: new Float32Array(2 * size), dims: [2, ...picture.dims] };
      pair.data.set(picture.data);
      pair.data.set(start, size);
      const { data } = await atInputs(i, pair, rescale, [j, j], true);
      for (let p = 0; p < size; p++) values[(i * k + j) * size + p] = data[p] * (picture.data[p] - start[p]);
    }
  }
  progress(1);
  return explanation(question, values);
}
