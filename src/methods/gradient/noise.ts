/** @file Pictures with noise, and what SmoothGrad and its kin make of the gradients at them. */
import { randomNormal } from "../../array/random.ts";
import type { Explanation, KnownOptions, Question } from "../method.ts";
import { eachGradient, explanation, type Picture, rangeOf, type Steps, summed } from "./steps.ts";

/** How many pictures are drawn, with which noise: its standard deviation is a part of the range of the picture's values. */
export type Noise = Pick<KnownOptions, "samples" | "sigma" | "seed">;

/** Draws of a picture with noise, one after the other: the same for every picture of a batch, so that what is said of one does not depend on the others. */
export function noisy(picture: Picture, { sigma, seed }: Noise): () => Float32Array {
  const draw = randomNormal(seed);
  const { least, most } = rangeOf(picture);
  const deviation = sigma * (most - least);
  return () => {
    const noise = draw(picture.data.length);
    return picture.data.map((value, p) => value + deviation * noise[p]);
  };
}

/** The gradient at each of so many noisy pictures. */
export const noisySteps = (noise: Noise): Steps => ({
  count: noise.samples,
  samples: true,
  of(picture) {
    const draw = noisy(picture, noise);
    return () => ({ at: draw() });
  },
});

/** The mean of the gradients at noisy pictures. */
export const meanOf = (question: Question): Promise<Explanation> => summed(question, noisySteps(question.options));

/** The mean of the gradients' squares, or their variance. */
export async function spreadOf(question: Question, centred: boolean): Promise<Explanation> {
  const { image, k, options } = question;
  const size = image.data.length / (image.dims[0] ?? 1);
  const [sums, squares] = [new Float64Array(image.data.length * k), new Float64Array(image.data.length * k)];
  const visited = await eachGradient(question, noisySteps(options), (row, gradient) => {
    for (let p = 0, to = row * size; p < size; p++, to++) {
      sums[to] += gradient[p];
      squares[to] += gradient[p] ** 2;
    }
  });
  const values = squares.map((square, p) => square / visited - (centred ? (sums[p] / visited) ** 2 : 0));
  const spread = values.map((value) => Math.max(0, value));
  return { ...explanation(question, spread), ...(visited < options.samples && { partial: true }) };
}
