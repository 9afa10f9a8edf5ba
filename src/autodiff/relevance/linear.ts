/** @file Relevance through operators that are linear without weights to be told apart, and through normalisations, whose size is held. */
import { type Builder, rankOf, type Value } from "../../onnx/build.ts";
import { range } from "../../onnx/dims.ts";
import { ownGradients } from "../../ops/index.ts";
import { type Call, positive, type Rule, spatialAxes, spatialDims, unbroadcast, valuesOf } from "../../ops/op.ts";
import { hasWeightsBefore, isPositive } from "./neighbours.ts";
import { nonZero, stabilised } from "./weight-rules.ts";
import { isBehindWeights } from "./weighted.ts";

/** To each input its part of a sum: R_i = x_i (A' (R / z))_i. */
export const proportional = (c: Call, epsilon: number): readonly (Value | null)[] => {
  const { build, x, y, dy, needs } = c;
  const quotient = build.div(dy[0], stabilised(build, y[0], epsilon));
  const shares = ownGradients({ ...c, dy: [quotient] });
  return shares.map((share, i) => (share && needs[i] && x[i] ? build.mul(x[i] as Value, share) : null));
};

/** All of it, to the inputs that change. */
export const passed: Rule = ({ build, x, dy, needs }) =>
  x.map((v, i) => (v && needs[i] ? unbroadcast(build, dy[0], v) : null));

/**
 * What is added to a tensor takes its part of the relevance, but where it belongs to the weights in front of it, or where it only writes the
 * picture in other numbers, in front of all weights.
 */
const added = (c: Call, epsilon: number): readonly (Value | null)[] => {
  const { needs, node, around, inputs } = c;
  const one = needs.filter(Boolean).length === 1;
  const own = inputs[needs.indexOf(true)] ?? "";
  return one && (isBehindWeights({ node, around }) || !hasWeightsBefore(own, around))
    ? passed(c)
    : proportional(c, epsilon);
};

/** To each input that changes its part of those contributions to a sum that have the sum's own sign: shares of at least 0, which lose nothing. */
const excited: Rule = (c) => {
  const { build, needs, node, around, inputs, x, y, dy } = c;
  if (x.length > 1 && needs.filter(Boolean).length === 1 && !node.opType.startsWith("Reduce")) return passed(c);
  const shared = (of: (v: Value) => Value, sum: Value, sign: 1 | -1, relevance: Value) => {
    const own = valuesOf(x.map((v, i) => (v && needs[i] ? of(v) : v)));
    const quotient = build.div(relevance, nonZero(build, sum, sign));
    const shares = ownGradients({ ...c, x: own, y: [sum], dy: [quotient] });
    return shares.map((share, i) => (share && needs[i] && own[i] ? build.mul(own[i] as Value, share) : null));
  };
  if (inputs.every((name, i) => !needs[i] || isPositive(name, around))) return shared((v) => v, y[0], 1, dy[0]);
  const summed = (of: (v: Value) => Value) =>
    build.again(
      node,
      x.map((v, i) => (v && needs[i] ? of(v) : v)),
      y[0].type,
      y[0].dims,
    );
  const [above, below] = [(v: Value) => build.relu(v), (v: Value) => build.sub(v, build.relu(v))];
  const isBelow = build.less(y[0], 0);
  const positive = shared(above, summed(above), 1, build.where(isBelow, 0, dy[0]));
  const negative = shared(below, summed(below), -1, build.where(isBelow, dy[0], 0));
  return positive.map((share, i) => share && build.add(share, negative[i] as Value));
};

/** x standardised over axes, with scale and bias: how many parts of R each x has, where 1 / sigma is held as a factor. */
interface Standardised {
  readonly axes: readonly number[];
  readonly scale: Value | undefined;
  readonly bias: Value | undefined;
  readonly epsilon: number;
  readonly stabiliser: number;
}

// y = scale (x - mean x) / sigma + bias;  R_i = x_i (t - mean t)_i, t = scale R / (sigma y)
function centred(
  build: Builder,
  x: Value,
  relevance: Value,
  { axes, scale, bias, epsilon, stabiliser }: Standardised,
): Value {
  const difference = build.sub(x, build.reduceMean(x, axes));
  const variance = build.reduceMean(build.mul(difference, difference), axes);
  const inverse = build.pow(build.add(variance, epsilon), -0.5);
  const slope = scale ? build.mul(inverse, scale) : inverse;
  const product = build.mul(difference, slope);
  const y = bias ? build.add(product, bias) : product;
  const t = build.mul(slope, build.div(relevance, stabilised(build, y, stabiliser)));
  return build.mul(x, build.sub(t, build.reduceMean(t, axes)));
}

/** Numbers for each channel, beside [N, C, ...]. */
const perChannel = (build: Builder, v: Value | undefined, x: Value): Value | undefined =>
  v && build.reshape(v, [1, -1, ...spatialAxes(x).map(() => 1)]);

const epsilonOf = ({ attributes }: Call): number => attributes.float("epsilon", 1e-5);

const layer = (c: Call, stabiliser: number): readonly Value[] => {
  const [x, scale, bias] = c.x;
  const axes = range(rankOf(x)).slice(positive([c.attributes.int("axis", -1)], rankOf(x))[0]);
  return [centred(c.build, x, c.dy[0], { axes, scale, bias, epsilon: epsilonOf(c), stabiliser })];
};

const instance = (c: Call, stabiliser: number): readonly Value[] => {
  const [x, scale, bias] = c.x;
  const own = { scale: perChannel(c.build, scale, x), bias: perChannel(c.build, bias, x) };
  return [centred(c.build, x, c.dy[0], { axes: spatialAxes(x), ...own, epsilon: epsilonOf(c), stabiliser })];
};

const group = (c: Call, stabiliser: number): readonly Value[] => {
  const { build, attributes, opset } = c;
  const [x, scale, bias] = c.x;
  const [groups, channels, space] = [attributes.int("num_groups", 1), x.dims?.[1] ?? -1, spatialDims(c, x)];
  const grouped = (v: Value) => build.reshape(v, [-1, groups, channels / groups, ...space]);
  const beside = (v: Value | undefined) =>
    v && build.reshape(v, [1, groups, opset < 21 ? 1 : channels / groups, ...space.map(() => 1)]);
  const axes = range(rankOf(x) + 1).slice(2);
  const own = { axes, scale: beside(scale), bias: beside(bias), epsilon: epsilonOf(c), stabiliser };
  return [build.reshapeLike(centred(build, grouped(x), grouped(c.dy[0]), own), c.dy[0])];
};

const meanVariance = (c: Call, stabiliser: number): readonly Value[] => {
  const axes = positive(c.attributes.ints("axes") ?? [0, 2, 3], rankOf(c.x[0]));
  return [centred(c.build, c.x[0], c.dy[0], { axes, scale: undefined, bias: undefined, epsilon: 1e-18, stabiliser })];
};

/** The first input alone: what tells where it is read, or how large the result is, has no part. */
export const firstOnly =
  (rule: Rule): Rule =>
  (c) =>
    rule({ ...c, needs: c.needs.map((needed, i) => needed && i === 0) }).slice(0, 1);

/** By operator, with denominators kept away from 0 by so much. */
export function linearRules(epsilon: number): (readonly [string, Rule])[] {
  const all = (names: string, rule: (c: Call, epsilon: number) => readonly (Value | null)[]) =>
    names.split(" ").map((name): [string, Rule] => [name, (c) => rule(c, epsilon)]);
  const first = (names: string, rule: (c: Call, epsilon: number) => readonly (Value | null)[]) =>
    all(names, rule).map(([name, own]): [string, Rule] => [name, firstOnly(own)]);
  return [
    ...all("Add Sub Sum Mean", added),
    ...first("BatchNormalization", passed),
    ...all("AveragePool GlobalAveragePool ReduceMean ReduceSum CumSum Col2Im", proportional),
    ...first("Resize Upsample GridSample RoiAlign", proportional),
    ...first("LayerNormalization", layer),
    ...first("InstanceNormalization", instance),
    ...first("GroupNormalization", group),
    ...first("MeanVarianceNormalization", meanVariance),
    ...first("RMSNormalization SimplifiedLayerNormalization LRN LpNormalization", passed),
  ];
}

/** The same of excitation, which is nowhere below 0: what would divide by a sum of both signs looks at its own alone, or passes all. */
export const excitationRules: readonly (readonly [string, Rule])[] = [
  ...["Add", "Sum", "Mean", "AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum"].map(
    (name) => [name, excited] as const,
  ),
  ...["LayerNormalization", "InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization"].map(
    (name) => [name, firstOnly(passed)] as const,
  ),
];
