/**
 * @file A minimal sufficient set, found by causal responsibility (Chockler, Kelly, Kroening and Sun 2024, arXiv 2411.08875, ReX).
 *
 *   S is sufficient:  y(x where S, x' elsewhere) >= y(x') + keep (y(x) - y(x')),    minimal: no cell of S can be left out
 *   r_i = 1 / (1 + the fewest other parts that are hidden where hiding part i too ends sufficiency)
 *
 * The picture is divided at random into parts, all their subsets are tried, and the parts of a smallest sufficient one are divided
 * again, down to single cells; r is the mean over several divisions. Cells are taken in the order of r until they suffice, then left out
 * again, the least responsible first, where the rest suffices. ReX calls sufficient what keeps the class; here it is what keeps the score, so that
 * every question can be asked.
 */

import { baselineOption } from "../gradient/options.ts";
import type { Method } from "../method.ts";
import { wholeOption } from "../options.ts";
import { cellsOption, maskBatchOption, seedOption, shareOption } from "./options.ts";

export const minimalSufficient: Method<"minimal-sufficient"> = {
  name: "minimal-sufficient",
  title: "Minimal sufficient set",
  summary:
    "The fewest cells of the image that keep 90 % of the score alone, by how responsible they are for it. No gradient.",
  paper: "Chockler et al. 2024, https://arxiv.org/abs/2411.08875",
  family: "black-box",
  cost: "about 2,000, for each class",
  options: [
    cellsOption(12),
    shareOption("keep", 0.9, "the part of the score that is kept"),
    { ...wholeOption("samples", 8), range: "an integer of at least 1: random divisions of the picture" },
    baselineOption,
    seedOption,
    maskBatchOption,
  ],
  space: "pixels",
  blackBox: true,
  nothing: (question) => `the whole image has no higher score of "${question}" than a blank one`,
  explain: async (question) => (await import("./sufficiency.ts")).sufficientSets(question),
};
