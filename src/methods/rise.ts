/**
 * @file RISE (Petsiuk et al. 2018, arXiv 1806.07421): the mean score of randomly masked pictures, at each pixel over the masks that show it.
 *
 *   S(p) = sum_i y(x * M_i) M_i(p) / sum_i M_i(p)
 *
 * A mask is a coarse grid of cells, each shown with probability 1/2, enlarged by linear interpolation and shifted at random by less than a
 * cell. The paper divides by the expectation of the sum of the masks; divided by the sum itself, as here, a score that no mask changes gives
 * the same value everywhere.
 */
import type { Method } from "./method.ts";
import { numberOption, wholeOption } from "./options.ts";

export const rise: Method<"rise"> = {
  name: "rise",
  title: "RISE",
  summary:
    "The mean score of a thousand randomly masked copies of the image, over those that show a pixel. No gradient.",
  paper: "Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421",
  family: "black-box",
  cost: "one for each of 1000 masks, for all classes together",
  options: [
    wholeOption("samples", 1000),
    wholeOption("cells", 7),
    { ...numberOption("shown", 0.5, 0.01, 0.99), range: "a number from 0.01 to 0.99, the part of the cells" },
    wholeOption("seed", 0, 0),
    wholeOption("batch", 8),
  ],
  space: "pixels",
  blackBox: true,
  nothing: (question) => `the score of "${question}" is not above 0 on masked copies`,
  explain: async (question) => (await import("./random-masks.ts")).meanUnderMasks(question),
};
