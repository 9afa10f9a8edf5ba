/**
 * @file VarGrad (Adebayo et al. 2018, arXiv 1810.03292): the variance of the gradients at noisy copies of the picture.
 *
 *   V = 1/N sum_n (g_n - mean g)^2,    g_n = d(score)/dx at x + e_n,    e_n ~ N(0, sigma^2)
 */
import type { Method } from "../method.ts";
import { noiseOptions } from "./options.ts";

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
  explain: async (question) => (await import("./noise.ts")).spreadOf(question, true),
};
