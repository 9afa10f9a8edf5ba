/** @file The sets of rules that a gradient can be taken by. */
import { expects, listing, UserError } from "../errors.ts";
import { usesWebGpu } from "../onnx/provider.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { joined, type Overrides } from "./differentiate.ts";
import { deconv } from "./overrides/deconv.ts";
import { guided } from "./overrides/guided.ts";
import { webgpu } from "./overrides/webgpu.ts";
import type { RelevanceRules } from "./relevance/said.ts";

const tables = { plain: new Map(), guided, deconv } satisfies Record<string, Overrides>;

/** "plain" is the gradient; the others change what rectifiers let through in the backward pass. */
export type Rules = keyof typeof tables;

/** Rules by name, somebody's own, or relevance. */
export type RuleChoice = Rules | Overrides | RelevanceRules;

export const isRelevance = (rules: RuleChoice): rules is RelevanceRules =>
  typeof rules === "object" && "convolution" in rules;

/** Excitation backpropagation (Zhang et al. 2016, arXiv 1608.00507): contrastive, less that of the opposite of what is seeded. */
export function excitation(contrastive = false): RelevanceRules {
  const rule = { rule: "excitation", opposite: false } as const;
  const last = contrastive ? { ...rule, opposite: true } : undefined;
  return { convolution: rule, dense: rule, last, products: "signal", epsilon: 1e-9, scored: false, excitatory: true };
}

/** The sets that `vjp` takes by name. */
export type NamedRules = Rules | "excitation";

/** What {@link overridesOf} takes, of what may have to be loaded. */
export async function loadedRules(rules: RuleChoice | "excitation"): Promise<Rules | Overrides> {
  const said = rules === "excitation" ? excitation() : rules;
  return isRelevance(said) ? (await import("./relevance/composites.ts")).tableOf(said) : said;
}

/** The table of a set of rules, or somebody's own; with what the provider that runs them needs otherwise. */
export function overridesOf(rules: Rules | Overrides, session?: SessionOptions): Overrides {
  const table = tableOf(rules);
  return usesWebGpu(session) ? joined(webgpu, table) : table;
}

function tableOf(rules: Rules | Overrides): Overrides {
  if (typeof rules !== "string") return checked(rules);
  if (!Object.hasOwn(tables, rules))
    throw new UserError(
      "invalid-option",
      `unknown rules: "${rules}"; allowed are ${listing([...Object.keys(tables), "excitation"])}`,
    );
  return tables[rules];
}

/** Somebody's own: a rule that gives nothing that can be read as gradients is theirs to mend. */
function checked(rules: Overrides): Overrides {
  expects(rules instanceof Map, "rules", rules, `${listing(Object.keys(tables))}, or a Map of rules by operator`);
  const rulesOf = new Map(
    [...rules].map(([name, rule]) => {
      expects(typeof rule === "function", `rule of ${name}`, rule, "a function");
      const own: typeof rule = (call) => {
        const gradients = rule(call);
        expects(Array.isArray(gradients), `rule of ${name}`, gradients, "a function that returns a list of gradients");
        return gradients;
      };
      return [name, own];
    }),
  );
  return joined(rulesOf, Object.assign(new Map(), { others: rules.others, scored: rules.scored }));
}
