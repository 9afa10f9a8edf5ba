/**
 * @file GradientSHAP (Lundberg and Lee 2017, arXiv 1705.07874, by expected gradients: Erion et al. 2021, arXiv 1906.10670): integrated gradients
 * of noisy copies, each at one random point of its path.
 *
 *   R = 1/N sum_n (x_n - x') * d(score)/dx at x' + a_n (x_n - x'),    x_n = x + e_n,    e_n ~ N(0, sigma^2),    a_n ~ U(0, 1)
 */
import type { Method } from "../method.ts";
import { baselineOption, noiseOptions } from "./options.ts";

/** Half of SmoothGrad's noise: the paths smooth as well. */
const usualSigma = 0.07;

export const gradientShap: Method<"gradient-shap"> = {
  name: "gradient-shap",
  title: "GradientSHAP",
  summary: "Integrated gradients of noisy copies at random points of the path: an estimate of SHAP values.",
  paper: "Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874",
  family: "gradient",
  cost: "a forward and a backward pass for each of 50 samples, about 150",
  options: [...noiseOptions(usualSigma), baselineOption],
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" on the way from the blank image`,
  explain: async (question) => (await import("./paths.ts")).atRandomPoints(question),
};
