/**
 * @file What a score is made of beside the input: what each node adds that is no multiple of what it reads (Srinivas and Fleuret 2019, arXiv
 * 1905.00780). Of a node y of inputs x that depend on the picture, with its derivatives J_i:
 *
 *   share = dy (y - sum_i J_i x_i),    score = <x, dx> of the picture + the sum of all shares
 *
 * That is dy b of a convolution or product with a bias b, the implicit bias of a normalisation, and y - y'(x) x of an activation; rectifiers,
 * maxima and what only moves, adds up or averages have none. A product of two tensors that both depend on the picture counts twice what it
 * gives, and so takes once: -dy y.
 */
import type { Builder, Value } from "../../onnx/build.ts";
import { isFloat } from "../../onnx/types.ts";
import { nameOf, operators } from "../../ops/index.ts";
import { type Call, type Rule, unsupported } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";

/** What a node adds to the score, in the shape of its output. */
export interface Share {
  /** The node's first output, or the tensor before a chain of element-wise operators of it: their shares are one activation's. */
  readonly of: string;
  readonly value: Value;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Of degree 1 in all that they read together. */
const homogeneous = words(
  "Relu LeakyRelu PRelu MaxPool GlobalMaxPool LpPool GlobalLpPool ReduceMax ReduceMin ReduceL1 ReduceL2 TopK Abs Max Min Mean",
);
/** One by one, or each with its neighbours along an axis: with an output of the input's shape, y - J x can be told from both ends. */
const elementwise = words(
  "Sigmoid HardSigmoid HardSwish Swish Tanh Erf Exp Log Sqrt Pow Reciprocal Clip Elu Celu Selu Softplus Softsign Gelu Mish ThresholdedRelu Max Min Mean",
);
const normalising = words(
  "BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LpNormalization MeanVarianceNormalization " +
    "SimplifiedLayerNormalization LRN Softmax LogSoftmax QuantizeLinear DequantizeLinear Div",
);
const arithmetic = words("Add Sub Mul Div Neg Identity Cast Where Sum Relu LeakyRelu Abs");
const multiplied = words("Mul MatMul Einsum Conv ConvTranspose Gemm");
const biased = words("Conv ConvTranspose Gemm");
const sized = words("Resize Upsample");

/** What a node adds; undefined where that is nothing. @throws UserError for a node of which it cannot be told. */
function shareOf(call: Call, gradients: readonly (Value | null)[]): Value | undefined {
  const {
    node,
    build,
    x,
    y: [y],
    dy: [dy],
    needs,
  } = call;
  const { opType } = node;
  const active = needs.flatMap((needed, i) => (needed ? [i] : []));
  const others = x.flatMap((v, i) => (v && !needs[i] && isFloat(v.type) ? [i] : []));
  const [only] = active;
  if (homogeneous.has(opType) && (active.length === x.length || !elementwise.has(opType))) return undefined;
  const fixed = (i: number) => (needs[i] ? undefined : x[i]);
  if (opType === "Add" || opType === "Sum")
    return others.length ? build.mul(dy, build.sum(others.map((i) => x[i]))) : undefined;
  if (opType === "Sub") {
    const [a, b] = [fixed(0), fixed(1)];
    return a ? build.mul(dy, a) : b && build.neg(build.mul(dy, b));
  }
  if (opType === "Where") {
    const [, a, b] = [0, 1, 2].map(fixed);
    return a || b ? build.mul(dy, build.where(x[0], a ?? 0, b ?? build.floats(0, undefined, dy.type))) : undefined;
  }
  if (opType === "Concat") {
    if (others.length === 0) return undefined;
    const rank = y.dims?.length ?? 0;
    const axis = (call.attributes.int("axis", 0) + rank) % rank;
    return build.mul(
      dy,
      build.concat(
        x.map((v, i) => (needs[i] ? build.zerosLike(v) : v)),
        axis,
      ),
    );
  }
  if (opType === "Div" && active.length === 2) return build.mul(dy, y);
  if (multiplied.has(opType)) {
    const factors = active.filter((i) => i < 2 || !biased.has(opType)).length;
    const twice = factors > 1 ? build.neg(build.mul(dy, y)) : undefined;
    const added = biased.has(opType) ? fixed(2) : undefined;
    if (!added) return twice;
    if (factors > 1)
      unsupported(node, "full-grad cannot tell the bias of a product with weights that depend on the picture");
    return build.mul(dy, biasOf(build, call, added));
  }
  const alike = only !== undefined && String(x[only].dims) === String(y.dims);
  const told = elementwise.has(opType) || normalising.has(opType);
  if (active.length === 1 && told && !(opType === "Div" && only === 0)) {
    const dx = gradients[only];
    if (alike && dx) return build.sub(build.mul(dy, y), build.mul(dx, x[only]));
  } else if (active.every((i) => linearIn(call, i)) && (active.length === 1 || opType === "Div")) {
    const padded = opType === "Pad" && call.opset >= 11 && x[2] !== undefined && call.constant(2)?.[0] !== 0;
    if (opType === "Div" || sized.has(opType) || (!padded && (others.length === 0 || opType === "Pad")))
      return undefined;
  }
  return unsupported(node, "full-grad cannot tell what it adds to the score; take integrated-gradients");
}

const linearIn = ({ node }: Call, input: number): boolean =>
  operators.get(nameOf(node))?.linear?.includes(input) === true;

/** A bias in a shape that broadcasts to the output. */
function biasOf(build: Builder, { node, attributes, y: [y] }: Call, bias: Value): Value {
  if (node.opType === "Gemm") return build.mul(bias, attributes.float("beta", 1));
  const ones = (y.dims ?? []).slice(2).map(() => 1);
  return build.reshape(bias, [1, -1, ...ones]);
}

/**
 * Rules that are those of a table, or the plain ones, and note what each node adds.
 * @returns the rules, and what they have noted once the sweep has gone over the graph
 */
export function notingBiases(base: Overrides): {
  readonly rules: Overrides;
  readonly shares: (build: Builder) => Share[];
} {
  const noted: { readonly call: Call; readonly share: Value | undefined }[] = [];
  let depth = 0;
  const rules = [...operators].flatMap(([name, { vjp }]) => {
    const rule = base.get(name) ?? vjp;
    if (rule === "zero") return [];
    const noting: Rule = (call) => {
      depth++;
      const gradients = rule(call);
      depth--;
      // What a rule does inside of its node is the node's.
      if (depth === 0) noted.push({ call, share: shareOf(call, gradients) });
      return gradients;
    };
    return [[name, noting] as const];
  });
  return { rules: new Map(rules), shares: (build) => together(build, noted) };
}

/** The shares of element-wise operators that one tensor goes through are one: SiLU is a Sigmoid and a Mul. */
function together(
  build: Builder,
  noted: readonly { readonly call: Call; readonly share: Value | undefined }[],
): Share[] {
  const makers = new Map(noted.map(({ call }) => [call.node.output[0], call]));
  const roots = new Map<string, string>();
  const rootOf = (name: string): string => {
    const known = roots.get(name);
    if (known !== undefined) return known;
    const call = makers.get(name);
    const chain = call && (arithmetic.has(call.node.opType) || elementwise.has(call.node.opType));
    const reads = chain ? call.inputs.filter((_, i) => call.needs[i]) : [];
    const same = chain && call.x.every((v, i) => !call.needs[i] || String(v.dims) === String(call.y[0].dims));
    const [root, ...others] = new Set(reads.map(rootOf));
    const own = same && root !== undefined && others.length === 0 ? root : name;
    roots.set(name, own);
    return own;
  };
  const alone: Share[] = [];
  const sums = new Map<string, Value>();
  for (const { call, share } of noted) {
    if (!share) continue;
    const [name] = call.node.output;
    const root = rootOf(name);
    const sum = sums.get(root);
    if (root === name) alone.push({ of: name, value: share });
    else sums.set(root, sum ? build.add(sum, share) : share);
  }
  return [...alone, ...[...sums].map(([of, value]) => ({ of, value }))];
}
