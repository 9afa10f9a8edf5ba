/** @file Operators of the domain com.microsoft on quantised numbers, straight through. */
import { rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { changed } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { as, numbers, quantized, steps } from "./integer.ts";
import { type Call, type Op, unsupported } from "./op.ts";

export { DequantizeLinear, QuantizeLinear } from "./quantization.ts";

const qBinary = (name: "add" | "mul"): Op =>
  quantized((c) => [
    steps(c, { ...c.build[name](numbers(c, [0, 1, 2]), numbers(c, [3, 4, 5])), dims: c.y[0].dims }, c.x[6]),
  ]);
export const QLinearAdd = qBinary("add");
export const QLinearMul = qBinary("mul");

const qUnary = (opType: string): Op => quantized((c) => [steps(c, as(c, opType, [numbers(c, [0, 1, 2])]), c.x[3])]);
export const QLinearSigmoid = qUnary("Sigmoid");
export const QLinearLeakyRelu = qUnary("LeakyRelu");

/** The axis and the operator set stand as attributes; before 13 all axes from it on are one. */
export const QLinearSoftmax: Op = quantized((c) => {
  const { build, attributes, y } = c;
  const x = numbers(c, [0, 1, 2]);
  const last = rankOf(x) - 1;
  const axis = attributes.int("axis", -1);
  if (attributes.int("opset", 13) < 13 && axis !== -1 && axis !== last)
    unsupported(c.node, "several axes flattened into one");
  return [steps(c, build.op("Softmax", [x], { axis: axis < 0 ? axis + last + 1 : axis }, x.type, y[0].dims), c.x[3])];
});

/** An operator on numbers with their channels last, where the node says so: it is done with them first. */
function withChannels(
  c: Call,
  opType: string,
  [x, ...rest]: readonly Value[],
  last = c.attributes.int("channels_last", 0),
): Value {
  if (!last) return as(c, opType, [x, ...rest]);
  const rank = rankOf(x);
  const first = [0, rank - 1, ...range(rank - 2).map((i) => i + 1)];
  const dims = c.y[0].dims && first.map((axis) => (c.y[0].dims ?? [])[axis]);
  const attribute = c.node.attribute.filter(({ name }) => name !== "channels_last");
  const own = { ...c, node: changed(c.node, { attribute }) };
  const y = as(own, opType, [c.build.transpose(x, first), ...rest], dims);
  return { ...c.build.transpose(y, [0, ...range(rank - 2).map((i) => i + 2), 1]), dims: c.y[0].dims };
}

/** As the standard's, with channels first or last. */
export const QLinearConv: Op = quantized((c) => [
  steps(c, withChannels(c, "Conv", [numbers(c, [0, 1, 2]), numbers(c, [3, 4, 5])]), c.x[6]),
]);

/** A pooling of steps, whose order is that of what they stand for. */
export const NhwcMaxPool: Op = quantized((c) => [withChannels(c, "MaxPool", [c.x[0]], 1)]);

const qPool = (opType: string): Op =>
  quantized((c) => [steps(c, withChannels(c, opType, [numbers(c, [0, 1, 2])]), c.x[3])]);
export const QLinearAveragePool = qPool("AveragePool");
export const QLinearGlobalAveragePool = qPool("GlobalAveragePool");

/** a and b, each with its scale (b's one for each column) and zero point, a bias in steps of both, and y's; without these y is floats. */
export const QGemm: Op = quantized((c) => {
  const column = c.attributes.int("transB", 0) ? 0 : 1;
  const y = as(c, "Gemm", [numbers(c, [0, 1, 2]), numbers(c, [3, 4, 5], column)]);
  return [c.x[7] ? steps(c, y, c.x[7]) : y];
});

/** The scale and zero point of y, then tensor, scale and zero point of each part. */
export const QLinearConcat: Op = quantized((c) => {
  const parts = Array.from({ length: (c.x.length - 2) / 3 }, (_, i) => numbers(c, [2 + 3 * i, 3 + 3 * i, 4 + 3 * i]));
  return [steps(c, as(c, "Concat", parts), c.x[0])];
});

/** (a - zero) scale times (b - zero) scale, plus a bias: floats. */
export const MatMulIntegerToFloat: Op = composed((c) => {
  const { build } = c;
  const product = build.matMul(numbers(c, [0, 2, 4]), numbers(c, [1, 3, 5], rankOf(c.x[1]) - 1));
  return [{ ...(c.x[6] ? build.add(product, c.x[6]) : product), dims: c.y[0].dims }];
});

/** a is quantised on the way, straight through. */
export const DynamicQuantizeMatMul: Op = composed((c) => {
  const { build } = c;
  const product = build.matMul(c.x[0], numbers(c, [1, 2, 3], rankOf(c.x[1]) - 1));
  return [{ ...(c.x[4] ? build.add(product, c.x[4]) : product), dims: c.y[0].dims }];
});
