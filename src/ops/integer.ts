/**
 * @file Operators that compute on quantised numbers, straight through: what counts is the number that the steps stand for. A result
 * at the end of its range is taken as saturated, and gets nothing.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { changed, DataType } from "../onnx/proto.ts";
import { composed, type Forward } from "./composed.ts";
import { type Call, type Op, unsupported } from "./op.ts";
import { limits } from "./quantization.ts";

/** A vector of one number for each place along an axis of x; a scalar for one alone. */
function along(build: Builder, v: Value, rank: number, axis: number): Value {
  if ((v.dims?.length ?? 0) === 0) return v;
  if (v.dims?.[0] === 1 && v.dims.length === 1) return build.reshape(v, []);
  return v.dims?.length === 1
    ? build.reshape(
        v,
        range(rank).map((i) => (i === axis ? -1 : 1)),
      )
    : v;
}

/** (x - zero) scale, from the inputs of a node that hold the steps, the scale and the zero point. */
export function numbers(c: Call, [x, scale, zero]: readonly (number | undefined)[], axis = 0): Value {
  const { build } = c;
  const input = (i: number | undefined) => (i === undefined ? undefined : c.x[i]);
  const steps = build.cast(input(x) as Value, DataType.FLOAT);
  const [by, from] = [input(scale), input(zero)];
  const shifted = from ? build.sub(steps, along(build, build.cast(from, DataType.FLOAT), rankOf(steps), axis)) : steps;
  const scaled = by ? build.mul(shifted, along(build, by, rankOf(steps), axis)) : shifted;
  return { ...scaled, dims: steps.dims };
}

/** y / scale, where the steps of the output lie inside their range. */
export function steps({ build, node, y: [out], outputTypes: [type] }: Call, y: Value, scale: Value): Value {
  const [low, high] = limits[type] ?? unsupported(node, "a type other than int8, uint8, int16 and uint16");
  const inside = build.step(build.mul(build.sub(out, low), build.sub(high, out)));
  return build.mul({ ...build.div(y, along(build, scale, rankOf(y), rankOf(y) - 1)), dims: y.dims }, inside);
}

export const quantized = (forward: Forward): Op => composed(forward, { quantizes: true });

/** The node as another operator, on numbers. */
export function as(c: Call, opType: string, inputs: readonly Value[], dims = c.y[0].dims): Value {
  const node = changed(c.node, { opType, domain: "" });
  return c.build.again(node, inputs, DataType.FLOAT, dims);
}

// Inputs: x, its scale and zero point, w and its own (one for each output channel), those of y, and a bias in steps of both scales.
export const QLinearConv: Op = quantized((c) => {
  const [x, w] = [numbers(c, [0, 1, 2]), numbers(c, [3, 4, 5])];
  return [steps(c, as(c, "Conv", [x, w]), c.x[6])];
});

export const QLinearMatMul: Op = quantized((c) => {
  const { build } = c;
  const last = (i: number) => rankOf(c.x[i]) - 1;
  // A scale for each row of a, and for each column of b.
  const a = numbers(c, [0, 1, 2], Math.max(0, last(0) - 1));
  return [steps(c, { ...build.matMul(a, numbers(c, [3, 4, 5], last(3))), dims: c.y[0].dims }, c.x[6])];
});

/** The sums stay whole numbers of 32 bits, which a later Cast and Mul scale. */
export const MatMulInteger: Op = quantized((c) => {
  const a = numbers(c, [0, undefined, 2], Math.max(0, rankOf(c.x[0]) - 2));
  const b = numbers(c, [1, undefined, 3], rankOf(c.x[1]) - 1);
  return [{ ...c.build.matMul(a, b), dims: c.y[0].dims }];
});

export const ConvInteger: Op = quantized((c) => [
  as(c, "Conv", [numbers(c, [0, undefined, 2]), numbers(c, [1, undefined, 3])]),
]);

/** The scale and zero point that the run finds are taken as they are: dx = dy / scale. */
export const DynamicQuantizeLinear: Op = {
  quantizes: true,
  vjp: (c) => {
    const { build } = c;
    const scale =
      c.y[1] ??
      build.againAll(
        c.node,
        c.x,
        range(2).map((i) => ({ type: [DataType.UINT8, DataType.FLOAT][i], dims: i ? [] : c.x[0].dims })),
      )[1];
    return [build.div(c.dy[0], scale)];
  },
};
