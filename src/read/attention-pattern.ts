/**
 * @file Attention as exporters write it, found by its pattern: a softmax of products of two activations (scaled, biased, masked on the
 * way), whose output a further product weighs values with.
 *
 *   A = softmax(q k^T / sqrt(d) + masks),   y = A v
 */
import { Attributes, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { operatorOf } from "../ops/index.ts";
import { products } from "./families.ts";

/** An attention of the graph. */
export interface FoundAttention {
  /** The node that weighs the values: a product, or an operator that is a whole attention. */
  readonly node: NodeProto;
  /** The tensor of the weights, [..., queries, keys]; absent where they are inside of the operator. */
  readonly weights?: string;
  /** What is weighed. */
  readonly values: string;
}

/** A softmax of products that weighs no values directly: what lies between mixes heads, say. */
export interface UnreadAttention {
  readonly softmax: string;
}

/** Operators between the products of queries and keys and their softmax. */
const scoring = new Set(
  "Add Sub Mul Div Where Cast Reshape Identity Tanh Clip Max Min Dropout QuantizeLinear DequantizeLinear Unsqueeze Squeeze Expand".split(
    " ",
  ),
);
/** Operators between the weights and the product with the values: some leave every weight in its place. */
const keeping = new Set(["Cast", "Dropout", "Identity", "Where"]);
const handing = new Set([...keeping, ..."Reshape Expand Transpose QuantizeLinear DequantizeLinear".split(" ")]);
const softmaxes = new Set(["Softmax", "BiasSoftmax"]);
const isProduct = ({ opType }: NodeProto): boolean => products.has(opType) || opType === "Einsum";

/** The attentions of a graph in its order, and what looks like one and cannot be read. */
export function attentionsIn(model: Model, tensors: Observed): readonly (FoundAttention | UnreadAttention)[] {
  const { graph, constants, consumers, producer } = model;
  const rankOf = (name: string) => tensors.get(name)?.dims.length ?? 0;
  /** Whether a tensor is made of products of queries and keys, by operators that go element by element. */
  const isScores = (name: string, seen = new Set<string>()): boolean => {
    const node = producer.get(name);
    if (!node || seen.has(name) || constants.has(name)) return false;
    seen.add(name);
    // Queries may be learned numbers, as those of a probe that pools.
    const [, keys] = node.input;
    if (isProduct(node) && keys !== undefined && !constants.has(keys)) return true;
    // Heads may be mixed on the way.
    const mixes = rankOf(name) > 3 && (isProduct(node) || ["Conv", "Transpose"].includes(node.opType));
    return (mixes || scoring.has(node.opType)) && node.input.some((operand) => operand && isScores(operand, seen));
  };
  /** From the weights to the product that they are an operand of. */
  const found = (weights: string, name: string, turned: boolean): FoundAttention | undefined => {
    for (const node of consumers.get(name) ?? []) {
      const [output] = node.output;
      if (isProduct(node)) {
        const place = node.input.indexOf(name);
        const values = node.input[1 - place];
        const turns = new Attributes(node).int(place === 1 ? "transB" : "transA", 0) === 1;
        if ((place === 1) === (turned !== turns) && values && !constants.has(values)) return { node, weights, values };
      }
      if (!handing.has(node.opType)) continue;
      const swaps = node.opType === "Transpose";
      if (swaps && !swapsLast(new Attributes(node).ints("perm"), rankOf(name))) continue;
      const further = found(keeping.has(node.opType) && name === weights ? output : weights, output, turned !== swaps);
      if (further) return further;
    }
    return undefined;
  };
  return graph.node.flatMap((node): (FoundAttention | UnreadAttention)[] => {
    const [output = ""] = node.output;
    const whole = operatorOf(node)?.attends;
    if (whole) return [{ node, values: node.input[whole.values] ?? "" }];
    if (!softmaxes.has(node.opType) || !isOverLast(node, rankOf(output), model.opset) || !isScores(node.input[0]))
      return [];
    return [found(output, output, false) ?? { softmax: output }];
  });
}

const swapsLast = (perm: readonly number[] | undefined, rank: number): boolean =>
  perm?.every((p, i) => p === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i)) ?? false;

function isOverLast(node: NodeProto, rank: number, opset: number): boolean {
  const axis = new Attributes(node).int("axis", opset >= 13 ? -1 : 1);
  return rank >= 3 && (axis === -1 || axis === rank - 1);
}
