/**
 * @file AttnLRP (Achtibat et al. 2024, arXiv 2402.05602): layer-wise relevance propagation through attention, softmax and normalisation as well, so
 * that queries and keys have their part.
 *
 *   R_i = x_i sum_j w_ij R_j / (z_j +- e)      layers with weights, sums
 *   R_i = x_i (R_i - s_i sum_j R_j)            softmax s
 *   R_ji = sum_p A_ji V_ip R_jp / (2 O_jp)     each factor of a product O = A V
 *   R_i = R_i                                  activations, and what is divided by a norm
 */
import type { LayerRule, RelevanceRules } from "../../autodiff/relevance/said.ts";
import type { MethodOptions } from "../method.ts";
import { choiceOption } from "../options.ts";
import { compiled, epsilonOption, gammaOption, relevanceMethod } from "./relevance.ts";

const rulesOf = ({ rule, epsilon, gamma }: MethodOptions): RelevanceRules => {
  const layer: LayerRule = rule === "gamma" ? { rule, gamma } : { rule: "epsilon", epsilon };
  return { convolution: layer, dense: layer, products: "uniform", epsilon, scored: true };
};

export const attnLrp = relevanceMethod<"attn-lrp">(rulesOf, {
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
