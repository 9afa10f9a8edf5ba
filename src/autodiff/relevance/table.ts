/**
 * @file Relevance in place of gradients: tables of rules for the reverse sweep in which what arrives at a tensor is its share of the score,
 * and what leaves an operator is what arrived, divided among its inputs (layer-wise relevance propagation, Bach et al. 2015).
 *
 * Operators that only move values, or take the largest, move relevance as they move gradients. One that is in no list is refused by name:
 * its gradient is no relevance.
 */
import { UserError } from "../../errors.ts";
import { describe } from "../../onnx/model.ts";
import type { NodeProto } from "../../onnx/proto.ts";
import { nameOf } from "../../ops/index.ts";
import { type Call, type Op, type Rule, refused } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";
import { firstOnly, linearRules, passed } from "./linear.ts";
import { elementwiseNames, hasWeightsBefore, hasWeightsBehind, weightedInput } from "./neighbours.ts";
import { contracted, multiplied, type Products, quotient, softmax } from "./products.ts";
import type { WeightRule } from "./weight-rules.ts";
import { weightedOf } from "./weighted.ts";

/** Which rule each kind of operator with weights has. */
export interface Composite {
  readonly convolution: WeightRule;
  readonly dense: WeightRule;
  /** Of those that read the picture, with no weights before them. */
  readonly first?: WeightRule;
  /** Of those that make the score, with no weights behind them. */
  readonly last?: WeightRule;
  readonly products: Products;
  /** By how much denominators of sums without weights are kept away from 0. */
  readonly epsilon: number;
  /** In place of the rules that are in proportion to what is summed up. */
  readonly sums?: readonly (readonly [string, Rule])[];
  /** Whether relevance starts as the score; else as what is seeded. */
  readonly scored: boolean;
}

/** They move values, add copies, or pick the largest; or are written in operators that have rules. */
const moving = new Set(
  (
    "Identity Cast CastLike Dropout Reshape Flatten Squeeze Unsqueeze Transpose Slice Split Concat Gather GatherElements GatherND Expand Tile " +
    "Pad DepthToSpace SpaceToDepth MaxPool GlobalMaxPool MaxUnpool ReduceMax ReduceMin Max Min Where ScatterElements ScatterND TopK Compress " +
    "ReverseSequence CenterCropPad Trilu If MaxRoiPool Attention RotaryEmbedding com.microsoft.Attention com.microsoft.MultiHeadAttention " +
    "com.microsoft.RotaryEmbedding com.microsoft.BiasGelu com.microsoft.FastGelu com.microsoft.SkipLayerNormalization " +
    "com.microsoft.SkipSimplifiedLayerNormalization com.microsoft.FusedMatMul"
  ).split(" "),
);

const refusal = (node: NodeProto): string =>
  `unsupported operator: ${describe(node)}: it has no relevance rule; allowed are methods that take gradients, such as gradient or integrated-gradients`;

const others = (node: NodeProto, own: Op): Op => {
  if (moving.has(nameOf(node))) return own;
  const refuse: Rule = () => {
    throw new UserError("unsupported-operator", refusal(node));
  };
  return { ...refused(refusal(node)), vjp: refuse };
};

export function relevance(composite: Composite): Overrides {
  const { products, epsilon, scored, first, last, sums = [] } = composite;
  const product = contracted(products, epsilon);
  const ruleOf = (c: Call): WeightRule => {
    const usual = nameOf(c.node).startsWith("Conv") ? composite.convolution : composite.dense;
    const own = c.inputs[weightedInput(c.node, c.around) ?? 0] ?? "";
    if (last && !hasWeightsBehind(c.node.output[0] ?? "", c.around)) return last;
    return first && !hasWeightsBefore(own, c.around) ? first : usual;
  };
  const weighted: Rule = (c) => {
    const operands = weightedOf(c);
    const found = ruleOf(c)(c, operands, c.dy[0]);
    return c.needs.map((needed) => (needed ? found : null));
  };
  const rules: (readonly [string, Rule])[] = [
    ...["Conv", "ConvTranspose", "Gemm"].map((name) => [name, weighted] as const),
    ["MatMul", (c) => (c.needs[0] && c.needs[1] ? product(c) : weighted(c))],
    ["Einsum", product],
    ["Mul", multiplied(products)],
    ["Div", quotient],
    ...[...elementwiseNames].map((name) => [name, firstOnly(passed)] as const),
    ...linearRules(epsilon),
    ...sums,
  ];
  if (products === "uniform") rules.push(["Softmax", softmax]);
  return Object.assign(new Map(rules), { others, scored });
}
