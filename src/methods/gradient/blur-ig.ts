/**
 * @file Blur IG (Xu et al. 2020, arXiv 2004.03383): the gradients summed up on the path from a blurred picture to the sharp one.
 *
 *   R = integral of d(score)/dx at x_s * d(x_s),    x_s the picture blurred by a Gaussian of s pixels, s from the largest to 0
 *
 * Each step multiplies the gradient halfway with the whole difference between two blurs, so that the steps join, and the values of all
 * pixels sum to y(x) - y(blurred x). How the path is cut does not change the integral: steps are the smaller the sharper the picture is,
 * for there it changes the most. Beyond its border a picture is 0, the mean colour.
 */
import type { Method, MethodOption } from "../method.ts";
import { numberOption } from "../options.ts";
import { batchOption, stepsOption } from "./options.ts";

const largestBlur: MethodOption = {
  ...numberOption("sigma", 50, 0, 1000),
  range: "a number from 0 to 1000, in pixels",
};

export const blurIg: Method<"blur-ig"> = {
  name: "blur-ig",
  title: "Blur IG",
  summary: "What each pixel adds to the score while a blurred image becomes sharp; needs no blank image.",
  paper: "Xu et al. 2020, https://arxiv.org/abs/2004.03383",
  family: "gradient",
  cost: "a forward and a backward pass for each of 64 steps, about 200",
  options: [stepsOption, largestBlur, batchOption],
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" while the image becomes sharp`,
  explain: async (question) => (await import("./paths.ts")).alongBlurs(question),
};
