/**
 * @file Excitation backpropagation (Zhang et al. 2016, arXiv 1608.00507, equation 2): where a winner comes from, taking only excitatory connections.
 *
 *   P_i = sum_j x_i w_ij+ / (sum_k x_k w_kj+) P_j
 *
 * The contrastive variant (section 3.3) takes the same of the negated weights of the last layer away from it.
 */
import type { Overrides } from "../differentiate.ts";
import { excitationRules } from "./linear.ts";
import { relevance } from "./table.ts";
import { excitationRule } from "./weight-rules.ts";

const rule = excitationRule(false);
const shared = {
  convolution: rule,
  dense: rule,
  products: "signal",
  epsilon: 1e-9,
  sums: excitationRules,
  scored: false,
} as const;
let tables: readonly [Overrides, Overrides] | undefined;

export function excitation(contrastive = false): Overrides {
  tables ??= [relevance(shared), relevance({ ...shared, last: excitationRule(true) })];
  return tables[contrastive ? 1 : 0];
}
