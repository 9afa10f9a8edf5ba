/**
 * @file Integrated Gradients (Sundararajan et al. 2017, arXiv 1703.01365, equation 1): the gradients summed up on the straight path from a
 * baseline x' to the picture.
 *
 *   IG = (x - x') * integral from 0 to 1 of d(score)/dx at x' + a (x - x') da
 *
 * By the midpoint rule. It is complete: the values of all pixels sum to y(x) - y(x'), up to the error of the rule.
 */
import type { Method } from "../method.ts";
import { baselineOption, batchOption, stepsOption } from "./options.ts";

export const integratedGradients: Method<"integrated-gradients"> = {
  name: "integrated-gradients",
  title: "Integrated Gradients",
  summary: "What each pixel adds to the score on the way from a blank image; sums to the difference of the two scores.",
  paper: "Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365",
  family: "gradient",
  cost: "a forward and a backward pass for each of 64 steps, about 200",
  options: [stepsOption, baselineOption, batchOption],
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" on the way from the blank image`,
  explain: async (question) => (await import("./paths.ts")).alongStraight(question),
};
