/**
 * @file SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825): the mean of the gradients at noisy copies of the picture.
 *
 *   M = 1/N sum_n d(score)/dx at x + e_n,    e_n ~ N(0, sigma^2)
 */
import type { Method } from "../method.ts";
import { noiseOptions } from "./options.ts";

export const smoothGrad: Method<"smoothgrad"> = {
  name: "smoothgrad",
  title: "SmoothGrad",
  summary: "The gradient averaged over noisy copies of the image: less noise, at 50 times the cost.",
  paper: "Smilkov et al. 2017, https://arxiv.org/abs/1706.03825",
  family: "gradient",
  cost: "a forward and a backward pass for each of 50 samples, about 150",
  options: noiseOptions(),
  space: "pixels",
  nothing: (question) => `the gradients of the score of "${question}" are 0 at every pixel of all noisy copies`,
  explain: async (question) => (await import("./noise.ts")).meanOf(question),
};
