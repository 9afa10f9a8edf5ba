/** @file What rules of relevance ask about the graph around a node: which operators have weights, what is an activation, what a factor is for. */
import { Attributes, inputsOf } from "../../onnx/model.ts";
import type { NodeProto } from "../../onnx/proto.ts";
import { nameOf, operatorOf } from "../../ops/index.ts";
import type { Neighbours } from "../../ops/op.ts";

const namesIn = (names: string): ReadonlySet<string> => new Set(names.split(" "));

/** Operators that multiply what they read with weights, and sum it up. */
export const weightedNames = namesIn("Conv ConvTranspose Gemm MatMul");

/** Functions of each element for itself. */
export const elementwiseNames = namesIn(
  "Relu LeakyRelu PRelu ThresholdedRelu Elu Selu Celu Gelu Mish Swish Shrink Sigmoid HardSigmoid HardSwish Tanh Softplus Softsign Clip Erf " +
    "Abs Neg Exp Log Sqrt Reciprocal Pow com.microsoft.Gelu com.microsoft.QuickGelu",
);

const unchanging = namesIn(
  "Identity Cast Dropout Reshape Flatten Squeeze Unsqueeze Transpose Expand Tile Slice Split Where Gather Concat Pad",
);

/** The inputs of a node that change with what is explained. */
export const activeInputs = (node: NodeProto, { active }: Neighbours): string[] => inputsOf(node).filter(active);

/** The one input that an operator with weights reads them against; undefined for a product of two tensors that both change. */
export function weightedInput(node: NodeProto, around: Neighbours): number | undefined {
  if (!weightedNames.has(nameOf(node))) return undefined;
  const [first, second] = node.input.slice(0, 2).map(around.active);
  return first === second || node.input.slice(2).some(around.active) ? undefined : first ? 0 : 1;
}

/** Whether an operator with weights lies between a tensor and what is explained. */
export function hasWeightsBefore(name: string, around: Neighbours): boolean {
  return reaches([name], (from) => {
    const node = around.producer(from);
    if (!node) return [];
    return weightedNames.has(nameOf(node)) ? undefined : activeInputs(node, around);
  });
}

/** Whether an operator with weights lies between a tensor and the score. */
export function hasWeightsBehind(name: string, around: Neighbours): boolean {
  return reaches([name], (from) => {
    if (around.seeded(from)) return [];
    const readers = around.consumers(from).filter((node) => operatorOf(node)?.vjp !== "zero");
    return readers.some((node) => weightedNames.has(nameOf(node)))
      ? undefined
      : readers.flatMap(({ output }) => output);
  });
}

/** Whether a walk comes to where `step` gives undefined. */
function reaches(start: readonly string[], step: (name: string) => readonly string[] | undefined): boolean {
  const seen = new Set(start);
  for (const name of seen) {
    const next = step(name);
    if (!next) return true;
    for (const other of next) if (other) seen.add(other);
  }
  return false;
}

/** Whether a tensor has no negative numbers, as far as the graph tells. */
export function isPositive(name: string, around: Neighbours): boolean {
  const node = around.producer(name);
  if (!node) return false;
  const inputs = () => node.input.filter((input) => input !== "");
  switch (nameOf(node)) {
    case "Relu":
    case "Sigmoid":
    case "HardSigmoid":
    case "Softmax":
    case "Softplus":
    case "Exp":
    case "Abs":
      return true;
    case "Clip":
      return (boundsOf(node, around)[0] ?? -1) >= 0;
    case "MaxPool":
    case "AveragePool":
    case "GlobalAveragePool":
    case "GlobalMaxPool":
    case "Identity":
    case "Dropout":
    case "Flatten":
    case "Reshape":
    case "Transpose":
      return isPositive(node.input[0] ?? "", around);
    case "Add":
    case "Concat":
      return inputs().every((input) => around.active(input) && isPositive(input, around));
    default:
      return false;
  }
}

/** The least and the largest value that a Clip lets through, where they are numbers. */
function boundsOf(node: NodeProto, around: Neighbours): (number | undefined)[] {
  const attributes = new Attributes(node);
  return ["min", "max"].map((name, i) => {
    if (attributes.has(name)) return attributes.float(name, 0);
    const input = node.input[i + 1];
    return input ? around.numbers(input)?.[0] : undefined;
  });
}

/** What a factor of a product is for: it lets the other through (a gate), divides it by a size (a divisor), or neither. */
export function purposeOf(name: string, around: Neighbours): "gate" | "divisor" | undefined {
  for (let at = name; ; ) {
    const node = around.producer(at);
    if (!node) return undefined;
    const [own, ...more] = activeInputs(node, around);
    switch (nameOf(node)) {
      case "Sigmoid":
      case "HardSigmoid":
      case "Softmax":
        return "gate";
      case "Clip":
        return boundsOf(node, around).every((bound) => bound !== undefined) ? "gate" : undefined;
      case "Reciprocal":
        return "divisor";
      case "Div":
        if (own !== node.input[0]) return "divisor";
        break;
      case "Pow":
        if ((around.numbers(node.input[1] ?? "")?.[0] ?? 1) < 0) return "divisor";
        break;
      case "Mul":
      case "Add":
      case "Sub":
      case "Sqrt":
        break;
      default:
        if (!unchanging.has(nameOf(node))) return undefined;
    }
    if (own === undefined || more.length > 0) return undefined;
    at = own;
  }
}

/** The active tensors that a node makes its output of element by element, all of the output's shape; undefined for other operators. */
function elementsOf(node: NodeProto, around: Neighbours): readonly string[] | undefined {
  const name = nameOf(node);
  if (!elementwiseNames.has(name) && !["Add", "Sub", "Mul", "Div", "Identity", "Cast"].includes(name)) return undefined;
  const inputs = activeInputs(node, around);
  const dims = String(around.value(node.output[0] ?? "").dims);
  return inputs.every((input) => String(around.value(input).dims) === dims) ? inputs : undefined;
}

/**
 * Which factor of a product leads on to what both are functions of, element by element: x sigmoid(x), x (1 + erf(x)), and the like are one
 * activation, whose relevance goes through that factor. Undefined where they are no functions of one tensor.
 */
export function activationFactor(factors: readonly [string, string], around: Neighbours): 0 | 1 | undefined {
  const depths = factors.map((factor) => depthsFrom(factor, around));
  const common = [...(depths[0] ?? [])].filter(([name]) => depths[1]?.has(name));
  for (const [name, depth] of common)
    if (factors.every((factor) => isFunctionOf(factor, name, around)))
      return depth <= (depths[1]?.get(name) ?? 0) ? 0 : 1;
  return undefined;
}

/** What an element of a tensor is made of, and how many operators lie between. */
function depthsFrom(name: string, around: Neighbours): ReadonlyMap<string, number> {
  const depths = new Map([[name, 0]]);
  for (const [at, depth] of depths) {
    const node = around.producer(at);
    for (const input of (node && elementsOf(node, around)) ?? []) if (!depths.has(input)) depths.set(input, depth + 1);
  }
  return depths;
}

/** Whether every element of a tensor is a function of the same element of another, and of nothing else that changes. */
function isFunctionOf(name: string, source: string, around: Neighbours): boolean {
  return !reaches([name], (at) => {
    if (at === source) return [];
    const node = around.producer(at);
    return node && elementsOf(node, around);
  });
}
