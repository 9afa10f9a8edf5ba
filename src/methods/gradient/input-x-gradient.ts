/**
 * @file Input x gradient (Shrikumar et al. 2016, arXiv 1605.01713, section 2.1): what each pixel contributes, to first order.
 *
 *   R = x * d(score)/dx
 */
import type { Method } from "../method.ts";

export const inputXGradient: Method<"input-x-gradient"> = {
  name: "input-x-gradient",
  title: "Input x Gradient",
  summary: "What each pixel contributes to the score, to first order.",
  paper: "Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713",
  family: "gradient",
  cost: "a forward and a backward pass, about 3",
  space: "pixels",
  nothing: (question) => `the input times the gradient of the score of "${question}" is 0 at every pixel`,
  explain: async (question) => (await import("./steps.ts")).timesGradient(question),
  graph({ build, image, atInput }) {
    const gradient = atInput("plain");
    return { pixels: build.mul(build.cast(image(), gradient.type), gradient) };
  },
};
