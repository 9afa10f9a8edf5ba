/**
 * @file VarGrad (Adebayo et al. 2018, arXiv 1810.03292): the variance of the gradients at noisy copies of the picture.
 *
 *   V = 1/N sum_n (g_n - mean g)^2,    g_n = d(score)/dx at x + e_n,    e_n ~ N(0, sigma^2)
 */
import type { Explanation, Method, Question } from "../method.ts";
import { noiseOptions, noisySteps } from "./noise.ts";
import { eachGradient, explanation } from "./steps.ts";

/** The mean of the gradients' squares, or their variance. */
export async function spreadOf(question: Question, centred: boolean): Promise<Explanation> {
  const { image, k, options } = question;
  const size = image.data.length / (image.dims[0] ?? 1);
  const [sums, squares] = [new Float64Array(image.data.length * k), new Float64Array(image.data.length * k)];
  await eachGradient(question, noisySteps(options), (row, gradient) => {
    for (let p = 0, to = row * size; p < size; p++, to++) {
      sums[to] += gradient[p];
      squares[to] += gradient[p] ** 2;
    }
  });
  const { samples } = options;
  const values = squares.map((square, p) => square / samples - (centred ? (sums[p] / samples) ** 2 : 0));
  return explanation(
    question,
    values.map((value) => Math.max(0, value)),
  );
}

export const varGrad: Method<"vargrad"> = {
  name: "vargrad",
  title: "VarGrad",
  summary: "How much the gradient varies over noisy copies of the image. Has no sign, and hardly finds edges alone.",
  paper: "Adebayo et al. 2018, https://arxiv.org/abs/1810.03292",
  family: "gradient",
  cost: "a forward and a backward pass for each of 50 samples, about 150",
  options: noiseOptions(),
  space: "pixels",
  nothing: (question) => `noise does not change the gradient of the score of "${question}"`,
  explain: (question) => spreadOf(question, true),
};
