/**
 * @file Relevance through products of two tensors that both change, and through softmax.
 *
 *   signal     a gate (sigmoid, softmax) and a divisor are held as factors, and the other factor takes all: of attention the values do
 *              (Arras et al. 2017, arXiv 1706.07206; Ali et al. 2022, arXiv 2202.07304)
 *   uniform    both take half; only a divisor is held (AttnLRP, Achtibat et al. 2024, arXiv 2402.05602, propositions 3.2 to 3.4)
 *
 * Softmax has AttnLRP's rule (proposition 3.1): R_i = x_i (R_i - s_i sum_j R_j).
 */

import type { Value } from "../../onnx/build.ts";
import { rankOf } from "../../onnx/build.ts";
import { range } from "../../onnx/dims.ts";
import { Attributes } from "../../onnx/model.ts";
import { ownGradients } from "../../ops/index.ts";
import { type Call, positive, type Rule, unbroadcast, unsupported } from "../../ops/op.ts";
import { passed, proportional } from "./linear.ts";
import { activationFactor, purposeOf } from "./neighbours.ts";
import { stabilised } from "./weight-rules.ts";

export type Products = "signal" | "uniform";

/** How much of the relevance each of two factors takes. */
function parts({ inputs, around }: Call, products: Products): readonly [number, number] {
  const held = inputs.slice(0, 2).map((name) => {
    const purpose = purposeOf(name, around);
    return purpose === "divisor" || (purpose === "gate" && products === "signal");
  });
  if (held[0] === held[1]) return [0.5, 0.5];
  return held[0] ? [0, 1] : [1, 0];
}

/** The relevance of each factor, where one takes its part of all; nothing for one that takes none. */
const divided = (c: Call, shares: readonly [number, number], relevanceOf: (i: number) => Value): (Value | null)[] =>
  shares.map((share, i) => (share > 0 ? c.build.mul(relevanceOf(i), share) : null));

/** Element by element. */
export const multiplied =
  (products: Products): Rule =>
  (c) => {
    const { build, needs, inputs, dy, around } = c;
    const [a = "", b = ""] = inputs;
    if (!(needs[0] && needs[1])) return passed(c);
    if (a === b) return [dy[0]];
    const own = activationFactor([a, b], around);
    const shares = own === undefined ? parts(c, products) : own === 0 ? ([1, 0] as const) : ([0, 1] as const);
    return divided(c, shares, (i) => unbroadcast(build, dy[0], c.x[i] as Value));
  };

/** Of matrices: to each factor in proportion to what it brings to the sums. */
export const contracted =
  (products: Products, epsilon: number): Rule =>
  (c) => {
    const { build, needs, x, y, dy, node } = c;
    if (needs.filter(Boolean).length < 2) return proportional(c, epsilon);
    if (x.length > 2) unsupported(node, "a product of more than two tensors has no relevance rule");
    const quotient = build.div(dy[0], stabilised(build, y[0], epsilon));
    const found = ownGradients({ ...c, dy: [quotient] });
    return divided(c, parts(c, products), (i) => build.mul(x[i] as Value, found[i] as Value));
  };

/** A divisor is held; what is divided by it takes all. */
export const quotient: Rule = (c) => (c.needs[0] ? passed({ ...c, needs: [true, false] }) : passed(c));

export const softmax: Rule = ({ build, node, x: [x], y: [y], dy: [dy], opset }) => {
  const rank = rankOf(x);
  const [axis] = positive([new Attributes(node).int("axis", opset >= 13 ? -1 : 1)], rank);
  const axes = opset >= 13 ? [axis] : range(rank).slice(axis);
  const rest = build.sub(dy, build.mul(y, build.reduceSum(dy, axes)));
  // What a mask has taken away has no part; minus infinity times 0 is no number.
  return [build.mul(build.where(build.less(x, -1e9), 0, x), rest)];
};
