/**
 * @file Blur IG (Xu et al. 2020, arXiv 2004.03383): the gradients summed up on the path from a blurred picture to the sharp one.
 *
 *   R = integral of d(score)/dx at x_s * d(x_s),    x_s the picture blurred by a Gaussian of s pixels, s from the largest to 0
 *
 * Each step multiplies the gradient halfway with the whole difference between two blurs, so that the steps join, and the values of all
 * pixels sum to y(x) - y(blurred x). How the path is cut does not change the integral: steps are the smaller the sharper the picture is,
 * for there it changes the most. Beyond its border a picture is 0, the mean colour.
 */
import type { Method, MethodOption, MethodOptions } from "../method.ts";
import { numberOption, wholeOption } from "../options.ts";
import { blurred } from "./blur.ts";
import { batchOption, type Steps, summed } from "./steps.ts";

const largestBlur: MethodOption = {
  ...numberOption("sigma", 50, 0, 1000),
  range: "a number from 0 to 1000, in pixels",
};

const sharpening = ({ steps, sigma }: MethodOptions): Steps => ({
  count: steps,
  of(picture) {
    const blurAt = (step: number) => blurred(picture, sigma * (1 - step / steps) ** 2, "zero");
    let before = blurAt(0);
    return (step) => {
      const after = blurAt(step + 1);
      const at = after.map((value, p) => (value + before[p]) / 2);
      const by = after.map((value, p) => value - before[p]);
      before = after;
      return { at, by };
    };
  },
});

export const blurIg: Method<"blur-ig"> = {
  name: "blur-ig",
  title: "Blur IG",
  summary: "What each pixel adds to the score while a blurred image becomes sharp; needs no blank image.",
  paper: "Xu et al. 2020, https://arxiv.org/abs/2004.03383",
  family: "gradient",
  cost: "a forward and a backward pass for each of 64 steps, about 200",
  options: [wholeOption("steps", 64), largestBlur, batchOption],
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" while the image becomes sharp`,
  explain: (question) => summed(question, sharpening(question.options)),
};
