/**
 * @file Blur IG (Xu et al. 2020, arXiv 2004.03383): the gradients summed up on the path from a blurred picture to the sharp one.
 *
 *   R = integral of d(score)/dx at x_s * d(x_s),    x_s the picture blurred by a Gaussian of s pixels, s from the largest to 0
 *
 * Each step multiplies the gradient halfway with the whole difference between two blurs, so that the steps join, and what is said sums to
 * y(x) - y(blurred x). Beyond its border a picture is 0, the mean colour.
 */
import type { Explanation, Method, Question } from "../method.ts";
import { blurred } from "./blur.ts";
import { summed } from "./steps.ts";

export interface BlurPath {
  readonly steps: number;
  /** The largest blur: its standard deviation in pixels. */
  readonly sigma: number;
}

export const usualBlurPath: BlurPath = { steps: 64, sigma: 50 };

export const blurIgOf = (question: Question, { steps, sigma }: BlurPath): Promise<Explanation> =>
  summed(question, {
    count: steps,
    of(picture) {
      const blurAt = (step: number) => blurred(picture, sigma * (1 - step / steps), "zero");
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
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" while the image becomes sharp`,
  explain: (question) => blurIgOf(question, usualBlurPath),
};
