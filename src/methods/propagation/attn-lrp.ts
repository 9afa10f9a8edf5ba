/**
 * @file AttnLRP (Achtibat et al. 2024, arXiv 2402.05602): layer-wise relevance propagation through attention, softmax and normalisation as well, so
 * that queries and keys have their part.
 *
 *   R_i = x_i sum_j w_ij R_j / (z_j +- e)      layers with weights, sums
 *   R_i = x_i (R_i - s_i sum_j R_j)            softmax s
 *   R_ji = sum_p A_ji V_ip R_jp / (2 O_jp)     each factor of a product O = A V
 *   R_i = R_i                                  activations, and what is divided by a norm
 */
import { relevance } from "../../autodiff/relevance/table.ts";
import { epsilonRule, gammaRule } from "../../autodiff/relevance/weight-rules.ts";
import { choiceOption } from "../options.ts";
import { compiled, epsilonOption, gammaOption, relevanceMethod, tablesBy } from "./relevance.ts";

const tableOf = tablesBy(({ rule, epsilon, gamma }) => {
  const layer = rule === "gamma" ? gammaRule(gamma) : epsilonRule(epsilon);
  return relevance({ convolution: layer, dense: layer, products: "uniform", epsilon, scored: true });
});

export const attnLrp = relevanceMethod<"attn-lrp">(tableOf, {
  name: "attn-lrp",
  title: "AttnLRP",
  summary: "The score, handed back from layer to layer through attention, softmax and normalisation as well.",
  paper: "Achtibat et al. 2024, https://arxiv.org/abs/2402.05602",
  cost: "a forward and a backward pass, 2 to 4",
  options: [compiled(choiceOption("rule", ["epsilon", "gamma"])), epsilonOption(1e-9), gammaOption],
  nothing: (question, negative) =>
    negative
      ? `no pixel has relevance for "${question}", only against it`
      : `no relevance of "${question}" arrives at the pixels`,
});
