/** @file How each operator passes on what cells see of the picture; an operator that is not here looks everywhere. */
import { product } from "../onnx/dims.ts";
import { type Axes, type Field, type FieldRule, joined, moved, through } from "./field.ts";
import {
  depthToSpace,
  pad,
  resize,
  slice,
  sliding,
  spaceToDepth,
  transposedConvolution,
  weightKernel,
} from "./field-windows.ts";

const elementwise: FieldRule = ({ node, inputs, dims }) =>
  joined(node.input.map((name, i) => ({ axes: inputs[i], dims: dims(name) })));

/** The first input alone has a place: what else is read are parameters. */
const first: FieldRule = ({ inputs: [x] }) => x;

const transpose: FieldRule = ({ a, inputs: [x] }) => {
  if (!x) return undefined;
  const order = a.ints("perm") ?? x.map((_, i) => x.length - 1 - i);
  return order.map((axis) => x[axis] ?? []);
};

/**
 * Axes that are merged or split: groups of axes of equal product. Rows and columns that become one axis are tokens, and tokens that are
 * split into as many axes rows and columns again; an axis that is split into windows is seen by the window.
 */
const reshape: FieldRule = ({ node, inputs: [x], dims, output }) => {
  const [before, after] = [dims(node.input[0]), dims(output)];
  if (!x || before.length === 0 || after.length === 0) return undefined;
  const made: (readonly Field[])[] = after.map(() => []);
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    let [p, q] = [i + 1, j + 1];
    const size = (all: readonly number[], from: number, to: number) => product(all.slice(from, to));
    // A free size stands for itself; two of them in one group cannot be told apart.
    while (size(before, i, p) !== size(after, j, q)) {
      const [have, want] = [size(before, i, p), size(after, j, q)];
      if (have < 0 || want < 0) return undefined;
      if (have < want) p++;
      else q++;
      if (p > before.length || q > after.length) return undefined;
    }
    regroup(x.slice(i, p), before.slice(i, p), after.slice(j, q)).forEach((fields, k) => {
      made[j + k] = fields;
    });
    [i, j] = [p, q];
  }
  return made;
};

function regroup(fields: Axes, before: readonly number[], after: readonly number[]): Axes {
  const none = after.map(() => []);
  const placed = fields.flatMap((all, i) => (all.length ? [{ all, size: before[i] }] : []));
  if (placed.length === 0) return none;
  const others = before.filter((size, i) => !fields[i]?.length && size !== 1);
  const wide = after.flatMap((size, axis) => (size !== 1 ? [{ size, axis }] : []));
  const [outer, inner] = wide;
  const tokens = placed.length > 1;
  const all = placed.flatMap((one) => one.all.map((field) => (tokens ? { ...field, cells: one.size } : field)));
  if (wide.length <= 1 && others.length === 0) {
    const at = outer?.axis ?? 0;
    return after.map((_, i) => (i === at ? all : []));
  }
  // Back to rows and columns.
  const rows = all.filter(({ cells }) => cells !== 1);
  if (!tokens && all.length > 1 && others.length === 0 && rows.every(({ cells }, i) => cells === wide[i]?.size))
    return after.map((_, axis) => rows.filter((_, i) => wide[i]?.axis === axis));
  // Windows: the outer axis counts them, the inner one is inside.
  if (placed.length === 1 && all.length === 1 && others.length === 0 && outer && inner && wide.length === 2) {
    const windows = through(all, { more: inner.size - 1, stride: inner.size });
    return after.map((_, i) => (i === outer.axis ? windows : []));
  }
  return none;
}

/** Along an axis that does not run across the picture; class tokens may come before tokens. */
const concatenate: FieldRule = (call) => {
  const { a, inputs, node, dims } = call;
  const rank = dims(node.input[0]).length;
  const at = a.int("axis", 1);
  const axis = at < 0 ? at + rank : at;
  const parts = inputs.map((axes) => axes?.[axis] ?? []).filter((fields) => fields.length);
  const others = joined(node.input.map((name, i) => ({ axes: inputs[i], dims: dims(name) })));
  const [tokens = [], ...more] = parts;
  return others?.map((fields, i) => (i !== axis ? fields : more.length === 0 && tokens.length > 1 ? tokens : []));
};

const split: FieldRule = ({ a, node, inputs: [x], index, dims }) => {
  if (!x) return undefined;
  const at = a.int("axis", 0);
  const axis = at < 0 ? at + x.length : at;
  const before = node.output.slice(0, index).map((name) => dims(name)[axis] ?? -1);
  const from = before.some((size) => size < 0) ? undefined : before.reduce((sum, size) => sum + size, 0);
  return x.map((fields, i) => (i !== axis || from === 0 ? fields : from === undefined ? [] : moved(fields, from, 1)));
};

const gather: FieldRule = ({ a, node, inputs: [x], dims }) => {
  if (!x) return undefined;
  const at = a.int("axis", 0);
  const axis = at < 0 ? at + x.length : at;
  const indices = dims(node.input[1]).map(() => []);
  return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
};

const reduce: FieldRule = ({ a, node, inputs: [x], values, dims, output }) => {
  if (!x) return undefined;
  const axes = (a.ints("axes") ?? values(node.input[1]))?.map((axis) => (axis < 0 ? axis + x.length : axis));
  if (!axes?.length) return undefined;
  const rest = x.map((fields, i) => (axes.includes(i) ? [] : fields));
  return dims(output).length === x.length ? rest : rest.filter((_, i) => !axes.includes(i));
};

/** Weights mix the last axis; what has its place elsewhere keeps it. Two tensors of the picture mix their places: attention. */
const matMul: FieldRule = ({ inputs: [x, w], node, dims, output }) => {
  if (!x || w || dims(output).length !== x.length || dims(node.input[0]).length < 2) return undefined;
  return x.map((fields, i) => (i === x.length - 1 ? [] : fields));
};

const named = (names: string, rule: FieldRule) => names.split(" ").map((name) => [name, rule] as const);

export const fieldRules: ReadonlyMap<string, FieldRule> = new Map([
  ...named(
    "Add Sub Mul Div Pow Max Min Sum Mean Where PRelu And Or Less Greater Equal Mod QLinearAdd QLinearMul",
    elementwise,
  ),
  ...named(
    "Abs Neg Relu Clip LeakyRelu Elu Celu Selu ThresholdedRelu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu FastGelu QuickGelu BiasGelu Mish Swish Erf Exp Log Sqrt Reciprocal Sign Floor Ceil Round Sin Cos Not Identity Dropout Cast CastLike BatchNormalization InstanceNormalization GroupNormalization LayerNormalization SimplifiedLayerNormalization RMSNormalization LpNormalization MeanVarianceNormalization LRN Softmax LogSoftmax QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearSigmoid QLinearLeakyRelu",
    first,
  ),
  ...named("SkipLayerNormalization SkipSimplifiedLayerNormalization", elementwise),
  ...named("Conv FusedConv ConvInteger DeformConv", sliding(weightKernel(1))),
  ...named("QLinearConv", sliding(weightKernel(3))),
  ...named(
    "MaxPool AveragePool LpPool QLinearAveragePool",
    sliding(({ a }) => a.ints("kernel_shape")),
  ),
  ...named("ConvTranspose", transposedConvolution),
  ...named("Resize Upsample", resize),
  ...named("Pad", pad),
  ...named("Slice", slice),
  ...named("Transpose", transpose),
  ...named("Reshape Flatten Squeeze Unsqueeze", reshape),
  ...named("Concat", concatenate),
  ...named("Split", split),
  ...named("Gather", gather),
  ...named(
    "ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceSumSquare ReduceLogSumExp",
    reduce,
  ),
  ...named("MatMul MatMulNBits", matMul),
  ...named("SpaceToDepth", spaceToDepth),
  ...named("DepthToSpace", depthToSpace),
]);
