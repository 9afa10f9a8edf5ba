/**
 * @file SquareGrad (SmoothGrad-Squared; Hooker et al. 2019, arXiv 1806.10758): the mean of the squared gradients at noisy copies of the picture.
 *
 *   M = 1/N sum_n g_n^2,    g_n = d(score)/dx at x + e_n,    e_n ~ N(0, sigma^2)
 */
import type { Method } from "../method.ts";
import { noiseOptions } from "./options.ts";

export const squareGrad: Method<"squaregrad"> = {
  name: "squaregrad",
  title: "SquareGrad",
  summary: "The squared gradient averaged over noisy copies of the image: how sensitive the score is, without a sign.",
  paper: "Hooker et al. 2019, https://arxiv.org/abs/1806.10758",
  family: "gradient",
  cost: "a forward and a backward pass for each of 50 samples, about 150",
  options: noiseOptions(),
  space: "pixels",
  nothing: (question) => `the gradients of the score of "${question}" are 0 at every pixel of all noisy copies`,
  explain: async (question) => (await import("./noise.ts")).spreadOf(question, false),
};
