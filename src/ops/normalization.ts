/** @file Normalisations. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { type Call, inTraining, type Op, positive, spatialAxes, spatialDims, unbroadcast, unsupported } from "./op.ts";
import { beside } from "./rows.ts";

/** A per-channel vector [C] beside a tensor [N, C, ...]. */
const perChannel = (build: Builder, v: Value, x: Value): Value => {
  const reshaped = build.reshape(v, [1, -1, ...spatialAxes(x).map(() => 1)]);
  return { ...reshaped, dims: [1, v.dims?.[0] ?? -1, ...spatialAxes(x).map(() => 1)] };
};

/** With its stored statistics a BatchNormalization is affine in x: dx = dy * scale / sqrt(var + epsilon). */
export const BatchNormalization: Op = {
  linear: [0, 1, 2],
  vjp: (c) => {
    const { build, attributes, needs, node, opset } = c;
    const [x, scale, , mean, variance] = c.x;
    const [dy] = c.dy;
    if (attributes.int("training_mode", 0) !== 0 || (opset < 14 && node.output.length > 1)) inTraining(node);
    const standardDeviation = build.sqrt(build.add(variance, attributes.float("epsilon", 1e-5)));
    const others = [0, ...spatialAxes(x)];
    const standard = () => build.div(build.sub(x, perChannel(build, mean, x)), perChannel(build, standardDeviation, x));
    return [
      needs[0] ? build.mul(dy, perChannel(build, build.div(scale, standardDeviation), x)) : null,
      needs[1] ? build.reduceSum(build.mul(dy, standard()), others, false) : null,
      needs[2] ? build.reduceSum(dy, others, false) : null,
    ];
  },
};

/** x standardised over axes: (x - mean) / sqrt(var + epsilon), and 1 / sqrt(var + epsilon). */
function standardise(
  build: Builder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): { standard: Value; inverse: Value } {
  const centred = build.sub(x, build.reduceMean(x, axes));
  const variance = build.reduceMean(build.mul(centred, centred), axes);
  const inverse = build.pow(build.add(variance, epsilon), -0.5);
  return { standard: build.mul(centred, inverse), inverse };
}

// z = standardised x;  dx = (g - mean(g) - z mean(g z)) / sqrt(var + epsilon), where g is the gradient of z
function throughStandardise(
  build: Builder,
  g: Value,
  { standard, inverse }: { standard: Value; inverse: Value },
  axes: readonly number[],
): Value {
  const along = build.mul(standard, build.reduceMean(build.mul(g, standard), axes));
  return build.mul(inverse, build.sub(build.sub(g, build.reduceMean(g, axes)), along));
}

export const InstanceNormalization: Op = {
  linear: [1, 2],
  vjp: ({ build, attributes, x: [x, scale], dy: [dy], needs }) => {
    const axes = spatialAxes(x);
    const z = standardise(build, x, axes, attributes.float("epsilon", 1e-5));
    const dx = throughStandardise(build, build.mul(dy, perChannel(build, scale, x)), z, axes);
    return [
      dx,
      needs[1] ? build.reduceSum(build.mul(dy, z.standard), [0, ...axes], false) : null,
      needs[2] ? build.reduceSum(dy, [0, ...axes], false) : null,
    ];
  },
};

/** The axes over which a layer is normalised: from one on. */
const layerAxes = ({ attributes, x: [x] }: Call): number[] =>
  range(rankOf(x)).slice(positive([attributes.int("axis", -1)], rankOf(x))[0]);

export const LayerNormalization: Op = {
  linear: [1, 2],
  rows: beside(layerAxes),
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, scale, bias] = c.x;
    const [dy] = c.dy;
    const axes = layerAxes(c);
    const z = standardise(build, x, axes, attributes.float("epsilon", 1e-5));
    const dx = throughStandardise(build, build.mul(dy, scale), z, axes);
    return [
      c.dy[1] || c.dy[2] ? build.add(dx, throughStatistics(c, z, axes)) : dx,
      needs[1] ? unbroadcast(build, build.mul(dy, z.standard), scale) : null,
      needs[2] ? unbroadcast(build, dy, bias) : null,
    ];
  },
};

/** The second and third output, mean and r = 1 / sqrt(var + epsilon): dx = (dmean - dr r^2 z) / count */
function throughStatistics(
  c: Call,
  { standard, inverse }: ReturnType<typeof standardise>,
  axes: readonly number[],
): Value {
  const { build, node, dy } = c;
  const sizes = axes.map((a) => c.x[0].dims?.[a] ?? -1);
  if (!isStatic(sizes)) unsupported(node, "statistics over axes of unknown size");
  const byMean = dy[1] ? build.expandLike(dy[1], c.x[0]) : undefined;
  const square = build.mul(inverse, inverse);
  const byInverse = dy[2] ? build.neg(build.mul(build.mul(dy[2], square), standard)) : undefined;
  return build.div(build.sum([byMean, byInverse].filter((v) => v !== undefined)), product(sizes));
}

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

// y = x / r * scale, r = sqrt(mean(x^2) + epsilon);  dx = (g - x mean(g x) / r^2) / r, g = dy * scale
export const RMSNormalization: Op = {
  linear: [1],
  rows: beside(layerAxes),
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, scale] = c.x;
    const [dy] = c.dy;
    const axes = layerAxes(c);
    const inverse = build.pow(
      build.add(build.reduceMean(build.mul(x, x), axes), attributes.float("epsilon", 1e-5)),
      -0.5,
    );
    const standard = build.mul(x, inverse);
    const g = build.mul(dy, scale);
    const along = build.mul(standard, build.reduceMean(build.mul(g, standard), axes));
    return [
      build.mul(inverse, build.sub(g, along)),
      needs[1] ? unbroadcast(build, build.mul(dy, standard), scale) : null,
    ];
  },
};

// ONNX Runtime's optimiser writes it under its own name, among the standard ones.
export { RMSNormalization as SimplifiedLayerNormalization };

// y = (x - mean) / (std + 1e-9), over `axes`
export const MeanVarianceNormalization: Op = {
  vjp: ({ build, attributes, x: [x], dy: [dy] }) => {
    const axes = positive(attributes.ints("axes") ?? [0, 2, 3], rankOf(x));
    return [throughStandardise(build, dy, standardise(build, x, axes, 1e-18), axes)];
  },
};
