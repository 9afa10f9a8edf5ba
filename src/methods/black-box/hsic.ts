/**
 * @file HSIC attribution (Novello et al. 2022, arXiv 2206.06219): how much the score depends on whether a cell is shown, by the
 * Hilbert-Schmidt independence criterion, which is 0 only where it does not depend on it at all.
 *
 *   HSIC_i = 1/N^2 tr(K_i H L H),    K_i = 3/2 - (m_i - m_i')^2,    L = exp(-(y - y')^2 / (2 w^2)),    H = I - 1/N
 *
 * Of N masks each cell is shown in half, in random order. w is the median of the distances of two scores. The centred K_i is
 * 2 (m_i - mean)(m_i - mean)', so that HSIC_i = 2/N^2 (m_i - mean)' L (m_i - mean).
 */

import { baselineOption } from "../gradient/options.ts";
import type { Method } from "../method.ts";
import { wholeOption } from "../options.ts";
import { cellsOption, maskBatchOption, seedOption } from "./options.ts";

export const hsic: Method<"hsic"> = {
  name: "hsic",
  title: "HSIC",
  summary: "How much the score depends on whether a cell is shown, in any way, over 512 masked copies. No gradient.",
  paper: "Novello et al. 2022, https://arxiv.org/abs/2206.06219",
  family: "black-box",
  cost: "one for each of 512 masks, for all classes together",
  options: [wholeOption("samples", 512, 2), cellsOption(8), baselineOption, seedOption, maskBatchOption],
  space: "pixels",
  blackBox: true,
  nothing: (question) => `no mask changes the score of "${question}"`,
  explain: async (question) => (await import("./sensitivity.ts")).hsicOf(question),
};
