/**
 * @file SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825): the mean of the gradients at noisy copies of the picture.
 *
 *   M = 1/N sum_n d(score)/dx at x + e_n,    e_n ~ N(0, sigma^2)
 */
import type { Explanation, Method, Question } from "../method.ts";
import { type Noise, noisySteps, usualNoise } from "./noise.ts";
import { explanation, summed } from "./steps.ts";

export async function smoothGradOf(question: Question, noise: Noise): Promise<Explanation> {
  const { pixels } = await summed(question, noisySteps(noise));
  return explanation(question, Float64Array.from(pixels?.data ?? [], (sum) => sum / noise.samples));
}

export const smoothGrad: Method<"smoothgrad"> = {
  name: "smoothgrad",
  title: "SmoothGrad",
  summary: "The gradient averaged over noisy copies of the image: less noise, at 50 times the cost.",
  paper: "Smilkov et al. 2017, https://arxiv.org/abs/1706.03825",
  space: "pixels",
  nothing: (question) => `the gradients of the score of "${question}" are 0 at every pixel of all noisy copies`,
  explain: (question) => smoothGradOf(question, usualNoise),
};
