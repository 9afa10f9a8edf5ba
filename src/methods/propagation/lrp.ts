/**
 * @file Layer-wise relevance propagation (Bach et al. 2015, doi 10.1371/journal.pone.0130140; its rules and composites as Montavon et al. 2019,
 * doi 10.1007/978-3-030-28954-6_10, and zennit, arXiv 2106.13200, have them): the score is handed back from layer to layer, undiminished but for what
 * biases take.
 *
 *   R_i = sum_j (x_i w_ij / sum_k x_k w_kj) R_j,    with the rule of each layer
 */
import type { LayerRule, RelevanceRules } from "../../autodiff/relevance/said.ts";
import { expects } from "../../errors.ts";
import type { MethodOptions } from "../method.ts";
import { choiceOption, numberOption } from "../options.ts";
import { compiled, epsilonOption, gammaOption, relevanceMethod } from "./relevance.ts";

/** One rule for all layers, or that of the composite. */
const rules = ["composite", "epsilon", "gamma", "alpha-beta", "z-plus"] as const;

const composites = [
  "epsilon-plus-flat",
  "epsilon-plus",
  "epsilon-alpha2-beta1-flat",
  "epsilon-alpha2-beta1",
  "epsilon-gamma-box",
] as const;

type Told = MethodOptions & { readonly low: number; readonly high: number };
type Layers = Pick<RelevanceRules, "convolution" | "first">;

/** A denominator is kept away from 0 by so much, as in zennit. */
const stabiliser = 1e-6;

const alphaBeta = (alpha: number): LayerRule => ({ rule: "alpha-beta", alpha });
const flat: LayerRule = { rule: "flat" };

function layersOf(options: MethodOptions): Layers {
  const { composite, gamma, low, high } = options as Told;
  switch (composite as (typeof composites)[number]) {
    case "epsilon-plus-flat":
      return { convolution: alphaBeta(1), first: flat };
    case "epsilon-plus":
      return { convolution: alphaBeta(1) };
    case "epsilon-alpha2-beta1-flat":
      return { convolution: alphaBeta(2), first: flat };
    case "epsilon-alpha2-beta1":
      return { convolution: alphaBeta(2) };
    case "epsilon-gamma-box":
      return { convolution: { rule: "gamma", gamma }, first: { rule: "box", low, high } };
  }
}

function ruleOf({ rule, epsilon, gamma, alpha }: MethodOptions): LayerRule | undefined {
  switch (rule as (typeof rules)[number]) {
    case "composite":
      return undefined;
    case "epsilon":
      return { rule: "epsilon", epsilon };
    case "gamma":
      return { rule: "gamma", gamma };
    case "alpha-beta":
      return alphaBeta(Number(alpha));
    case "z-plus":
      return alphaBeta(1);
  }
}

const rulesOf = (options: MethodOptions): RelevanceRules => {
  const everywhere = ruleOf(options);
  const { rule, composite, low, high } = options as Told;
  if (rule === "composite" && composite === "epsilon-gamma-box")
    expects(low < high, "option low of lrp", low, `a number below option high, which is ${high}`);
  const layers = everywhere
    ? { convolution: everywhere, dense: everywhere }
    : { ...layersOf(options), dense: { rule: "epsilon", epsilon: options.epsilon } as const };
  return { ...layers, products: "signal", epsilon: Math.min(stabiliser, options.epsilon), scored: true };
};

export const lrp = relevanceMethod<"lrp">(rulesOf, {
  name: "lrp",
  title: "LRP",
  summary: "The score, handed back from layer to layer until each pixel has its part of it.",
  paper: "Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140",
  cost: "a forward and a backward pass, with layers run again by their positive weights, 2 to 6",
  options: [
    compiled(choiceOption("composite", composites)),
    compiled(choiceOption("rule", rules)),
    epsilonOption(stabiliser),
    gammaOption,
    compiled(numberOption("alpha", 2, 1)),
    compiled({ ...numberOption("low", -3, -1e6, 1e6), range: "a number, the least of the input's values" }),
    compiled({ ...numberOption("high", 3, -1e6, 1e6), range: "a number, the largest of the input's values" }),
  ],
  nothing: (question, negative) =>
    negative
      ? `no pixel has relevance for "${question}", only against it`
      : `no relevance of "${question}" arrives at the pixels`,
});
