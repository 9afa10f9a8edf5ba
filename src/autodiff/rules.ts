/** @file The sets of rules that a gradient can be taken by. */
import { listing, UserError } from "../errors.ts";
import type { Overrides } from "./differentiate.ts";
import { deconv } from "./overrides/deconv.ts";
import { guided } from "./overrides/guided.ts";

const tables = { plain: new Map(), guided, deconv } satisfies Record<string, Overrides>;

/** "plain" is the gradient; the others change what rectifiers let through on the way back. */
export type Rules = keyof typeof tables;

export function overridesOf(rules: Rules | Overrides): Overrides {
  if (typeof rules !== "string") return rules;
  if (!Object.hasOwn(tables, rules))
    throw new UserError("invalid-option", `unknown rules: "${rules}"; allowed are ${listing(Object.keys(tables))}`);
  return tables[rules];
}
