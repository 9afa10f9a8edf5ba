/**
 * @file Quantisation, straight through: rounding is taken as the identity, and what saturates gets nothing. The gradient of a tensor of
 * small integers is that of the steps it counts, in float32.
 *
 * A quantiser drops the Relu before a QuantizeLinear whose zero point is the smallest integer, and lets saturation do its work: the
 * zero outside of the range is then the rectifier's mask.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { type Call, type Op, positive, unsupported } from "./op.ts";

/** The least and greatest step of a type. */
export const limits: Partial<Record<DataType, readonly [number, number]>> = {
  [DataType.INT8]: [-128, 127],
  [DataType.UINT8]: [0, 255],
  [DataType.INT16]: [-32768, 32767],
  [DataType.UINT16]: [0, 65535],
  [DataType.INT4]: [-8, 7],
  [DataType.UINT4]: [0, 15],
  [DataType.INT2]: [-2, 1],
  [DataType.UINT2]: [0, 3],
  [DataType.FLOAT8E4M3FN]: [-448, 448],
  [DataType.FLOAT8E4M3FNUZ]: [-240, 240],
  [DataType.FLOAT8E5M2]: [-57344, 57344],
  [DataType.FLOAT8E5M2FNUZ]: [-57344, 57344],
  [DataType.FLOAT4E2M1]: [-6, 6],
};

// y = saturate(round(x / scale) + zero);  dx = dy / scale, 0 where it saturates
export const QuantizeLinear: Op = {
  quantizes: true,
  vjp: (c) => {
    const { build, node } = c;
    const [x, scale, zeroPoint] = c.x;
    const [type] = c.outputTypes;
    const [low, high] = limits[type] ?? unsupported(node, `steps of the type ${typeName(type)}`);
    const rest = isFloat(type) ? 0 : 0.5; // whole numbers are rounded
    const steps = build.div(x, alongAxis(c, scale));
    const counted = zeroPoint ? build.add(steps, alongAxis(c, build.cast(zeroPoint, x.type))) : steps;
    const inside = build.step(build.mul(build.sub(counted, low - rest), build.sub(high + rest, counted)));
    return [build.mul(build.div(c.dy[0], alongAxis(c, scale)), inside)];
  },
};

// y = (x - zero) scale;  dx = dy scale
export const DequantizeLinear: Op = {
  vjp: (c) => [c.build.mul(c.dy[0], alongAxis(c, c.x[1]))],
};

/** A scale or zero point beside x: one for all, one for each place along the axis, or one for each block of places. */
function alongAxis({ build, attributes, node, x: [x] }: Call, v: Value): Value {
  const block = attributes.int("block_size", 0);
  if (block > 0) {
    const [axis] = positive([attributes.int("axis", 1)], rankOf(x));
    const size = x.dims?.[axis] ?? -1;
    if (size < 0) unsupported(node, "blocks along an axis of unknown size");
    return build.gather(v, build.ints(range(size).map((i) => Math.floor(i / block))), axis);
  }
  if ((v.dims?.length ?? 0) === 0 || v.dims?.[0] === 1) return scalar(build, v);
  const [axis] = positive([attributes.int("axis", 1)], rankOf(x));
  return build.reshape(
    v,
    range(rankOf(x)).map((i) => (i === axis ? -1 : 1)),
  );
}

const scalar = (build: Builder, v: Value): Value => (v.dims?.length ? build.reshape(v, []) : v);
