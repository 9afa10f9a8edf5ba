/**
 * @file LIME (Ribeiro et al. 2016, arXiv 1602.04938): the linear model of superpixels that is nearest to the network around the picture.
 *
 *   b = argmin sum_i pi_i (y_i - b_0 - z_i b)^2 + |b|^2,    pi_i = exp(-d_i^2 / w^2)^(1/2),    d_i = 1 - cos(z_i, 1)
 *
 * z_i says which superpixels are shown, each with probability 1/2, and y_i is the score of what is then seen; the more is shown, the more a
 * sample counts. The value of a pixel is the coefficient of its superpixel. Widths and the ridge of 1 are those of the authors' package.
 */
import type { Method } from "../method.ts";
import { numberOption, wholeOption } from "../options.ts";
import { maskBatchOption, noSuperpixel, seedOption, superpixelOptions } from "./options.ts";

export const lime: Method<"lime"> = {
  name: "lime",
  title: "LIME",
  summary:
    "What each superpixel adds to the score, by a linear fit to a thousand copies with some of them hidden. No gradient.",
  paper: "Ribeiro et al. 2016, https://arxiv.org/abs/1602.04938",
  family: "black-box",
  cost: "one for each of 1000 samples, for all classes together",
  options: [
    wholeOption("samples", 1000),
    ...superpixelOptions,
    {
      ...numberOption("width", 0.25, 0.01, 100),
      range: "a number from 0.01 to 100: how far from the picture samples count",
    },
    seedOption,
    maskBatchOption,
  ],
  space: "pixels",
  blackBox: true,
  nothing: noSuperpixel,
  explain: async (question) => (await import("./superpixel-fits.ts")).limeOf(question),
};
