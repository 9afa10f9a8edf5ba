/** @file Normalisation of groups of channels, which exporters write as one operator from operator set 18 on. */
import { rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { standardise, throughStandardise } from "./normalization.ts";
import { type Op, spatialDims } from "./op.ts";

/** Groups of channels are standardised together; from operator set 21 scale and bias are per channel, before per group. */
export const GroupNormalization: Op = {
  linear: [1, 2],
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, scale] = c.x;
    const [dy] = c.dy;
    const groups = attributes.int("num_groups", 1);
    const channels = x.dims?.[1] ?? -1;
    const space = spatialDims(c, x);
    const grouped = (v: Value) => build.reshape(v, [-1, groups, channels / groups, ...space]);
    const axes = range(rankOf(x) + 1).slice(2);
    const z = standardise(build, grouped(x), axes, attributes.float("epsilon", 1e-5));
    const perGroup = c.opset < 21;
    const shape = [1, groups, perGroup ? 1 : channels / groups, ...space.map(() => 1)];
    const g = build.mul(grouped(dy), build.reshape(scale, shape));
    const summed = (v: Value) =>
      build.reshapeLike(build.reduceSum(v, perGroup ? [0, ...axes] : [0, ...axes.slice(1)], false), scale);
    return [
      build.reshapeLike(throughStandardise(build, g, z, axes), x),
      needs[1] ? summed(build.mul(grouped(dy), z.standard)) : null,
      needs[2] ? summed(grouped(dy)) : null,
    ];
  },
};
