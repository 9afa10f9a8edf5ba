/**
 * @file Sobol attribution (Fel et al. 2021, arXiv 2111.04138): the part of the score's variance that a cell of the mask has a hand in, alone
 * or together with others; the total Sobol index, by Jansen's estimator.
 *
 *   S_i = sum_n (y(A_n) - y(C_n^i))^2 / (2 N Var y(A)),    C^i = A with column i of B
 *
 * A and B are the halves of N points of the Sobol sequence, which give each cell how far it is shown, 0 to 1. The paper runs B as well, of
 * which Jansen's estimator of total indices makes no use.
 */

import { baselineOption } from "../gradient/options.ts";
import type { Method } from "../method.ts";
import { cellsOption, maskBatchOption } from "./options.ts";

export const sobol: Method<"sobol"> = {
  name: "sobol",
  title: "Sobol",
  summary:
    "The part of the score's variance that each cell of a mask has a hand in, alone or with others. No gradient.",
  paper: "Fel et al. 2021, https://arxiv.org/abs/2111.04138",
  family: "black-box",
  cost: "32 for each of 64 cells and 32 more, 2,080, for all classes together",
  options: [
    {
      ...{ name: "samples", default: 32, range: "a power of 2 of at least 2" },
      fits: (value) => Number.isSafeInteger(value) && Number(value) >= 2 && Number.isInteger(Math.log2(Number(value))),
    },
    cellsOption(8),
    baselineOption,
    maskBatchOption,
  ],
  space: "pixels",
  blackBox: true,
  nothing: (question) => `no mask changes the score of "${question}"`,
  explain: async (question) => (await import("./sensitivity.ts")).sobolOf(question),
};
