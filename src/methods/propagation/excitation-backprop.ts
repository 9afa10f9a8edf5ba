/**
 * @file Excitation backpropagation (Zhang et al. 2016, arXiv 1608.00507): the probability of each pixel that a walk comes to it, which starts at the
 * class and chooses at each neuron among the inputs that excite it, in proportion to their part. Contrastive (section 3.3): less that of the walk which
 * starts at the opposite of the class.
 */
import { excitation } from "../../autodiff/rules.ts";
import { choiceOption } from "../options.ts";
import { compiled, relevanceMethod } from "./relevance.ts";

export const excitationBackprop = relevanceMethod<"excitation-backprop">(
  ({ variant }) => excitation(variant === "contrastive"),
  {
    name: "excitation-backprop",
    title: "Excitation Backprop",
    summary: "How probably a walk back from the class, along excitatory connections, ends at each pixel.",
    paper: "Zhang et al. 2016, https://arxiv.org/abs/1608.00507",
    cost: "a forward and a backward pass, with each layer run again by its positive weights, 3 to 7",
    options: [compiled(choiceOption("variant", ["plain", "contrastive"]))],
    nothing: (question, negative) =>
      negative ? `more excites the opposite of "${question}" than it, everywhere` : `nothing excites "${question}"`,
  },
);
