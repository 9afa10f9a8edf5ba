/** @file Tables of relevance by what is said of them: each is made once, since sessions are kept by it. */
import type { Overrides } from "../differentiate.ts";
import { excitationRules } from "./linear.ts";
import type { LayerRule, RelevanceRules } from "./said.ts";
import { relevance } from "./table.ts";
import {
  alphaBetaRule,
  boxRule,
  epsilonRule,
  excitationRule,
  flatRule,
  gammaRule,
  type WeightRule,
} from "./weight-rules.ts";

const tables = new Map<string, Overrides>();

export function tableOf(said: RelevanceRules): Overrides {
  const key = JSON.stringify(said);
  const table = tables.get(key) ?? made(said);
  tables.set(key, table);
  return table;
}

function made({ convolution, dense, first, last, excitatory, ...others }: RelevanceRules): Overrides {
  const sums = excitatory ? excitationRules : undefined;
  const ends = { first: first && ruleOf(first), last: last && ruleOf(last) };
  return relevance({ ...others, convolution: ruleOf(convolution), dense: ruleOf(dense), ...ends, sums });
}

function ruleOf(said: LayerRule): WeightRule {
  switch (said.rule) {
    case "epsilon":
      return epsilonRule(said.epsilon);
    case "gamma":
      return gammaRule(said.gamma);
    case "alpha-beta":
      return alphaBetaRule(said.alpha);
    case "flat":
      return flatRule;
    case "box":
      return boxRule(said.low, said.high);
    case "excitation":
      return excitationRule(said.opposite);
  }
}
