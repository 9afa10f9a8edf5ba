/**
 * @file RISE (Petsiuk et al. 2018, arXiv 1806.07421): how much higher the score of a randomly masked picture is where a pixel is shown.
 *
 *   S(p) = sum_i y_i M_i(p) / sum_i M_i(p) - mean of y_i,    y_i = y(x * M_i)
 *
 * A mask is a coarse grid of cells, each shown with probability 1/2, enlarged by linear interpolation and shifted at random by less than a
 * cell. The paper divides by the expectation of the sum of the masks, and keeps the mean score, which is near 0 for probabilities. Scores
 * before a softmax have any level: less it, and divided by the sum itself, one that no mask changes gives 0 everywhere.
 */
import type { Method } from "./method.ts";
import { numberOption, wholeOption } from "./options.ts";

export const rise: Method<"rise"> = {
  name: "rise",
  title: "RISE",
  summary: "How much higher the score is when a pixel is shown, over a thousand randomly masked copies. No gradient.",
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
  nothing: (question, negative) =>
    negative
      ? `showing any pixel lowers the score of "${question}" of masked copies, or leaves it as it is`
      : `no mask changes the score of "${question}"`,
  explain: async (question) => (await import("./random-masks.ts")).meanUnderMasks(question),
};
