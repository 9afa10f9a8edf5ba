/**
 * @file Extremal perturbation (Fong et al. 2019, arXiv 1910.08485): the part of the picture, of a given area, that keeps the score the highest
 * while all else is blurred.
 *
 *   m = argmax y(m * x) - w |sort(m) - r_a|^2,    m(u) = smax_v k(u - v) p(v),    k(u) = exp(-2 max(0, |u| / 3 - 1/2)^2)
 *
 * p has up to 32 cells along each axis, k is measured in cells, and smax is the mean weighted by exp(20 k p): the mask is smooth, and can be
 * 1 over a whole part. r_a is 0, and 1 in the largest part a: together with w, which grows, it makes the area a. What a mask hides is the more
 * blurred the less is shown. The score counts in parts of the difference between the picture and its blur, so that w serves all scores. Of two
 * searches from the whole picture, which weigh the score differently, one from the best of 64 balls, and that ball, the highest score is taken.
 */
import type { Method } from "../method.ts";
import { wholeOption } from "../options.ts";
import { shareOption } from "./options.ts";

export const extremalPerturbation: Method<"extremal-perturbation"> = {
  name: "extremal-perturbation",
  title: "Extremal perturbation",
  summary:
    "The tenth of the image that keeps the score highest while the rest is blurred: a smooth mask, found by gradients.",
  paper: "Fong et al. 2019, https://arxiv.org/abs/1910.08485",
  family: "black-box",
  cost: "a forward and a backward pass for each of 60 steps of 3 searches, and 64 more, about 600",
  options: [shareOption("area", 0.1, "the part of the image that is shown"), wholeOption("steps", 60)],
  space: "pixels",
  nothing: (question) => `no part of the image keeps the score of "${question}"`,
  explain: async (question) => (await import("./smooth-masks.ts")).extremalMasks(question),
};
