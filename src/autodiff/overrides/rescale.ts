/**
 * @file DeepLIFT's rescale rule (Shrikumar et al. 2017, arXiv 1704.02685, section 3.5.1): differences in place of derivatives, over a batch whose
 * second half is what its first half is compared with.
 *
 *   m = (y - y') / (x - x')        of an activation
 *   m_a = (b + b') / 2             of a product of two tensors that both change, and so of matrices: a b - a' b' = m_a (a - a') + m_b (b - b')
 *
 * Multipliers are those of both halves, so that they are seeded in both. Where x and x' are alike it is the derivative. What is linear needs no rule;
 * everything else that is not (softmax in attention, normalisation by the picture's own variance) keeps its derivative at the picture.
 */

import type { Builder, Value } from "../../onnx/build.ts";
import { ownGradients } from "../../ops/index.ts";
import { type Call, type Rule, unsupported } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";

/** Differences below it are rounding. */
const alike = 1e-7;

/** The other half of the batch for each half. */
function swapped(c: Call, value: Value): Value {
  const { build, node } = c;
  if ((value.dims?.[0] ?? 0) !== -1)
    unsupported(node, "differences from a baseline need the images in the first dimension of what it reads");
  const halves = { ...build.reshape(value, [2, -1]), dims: [2, -1] };
  return build.reshapeLike(build.gather(halves, build.ints([1, 0]), 0), value);
}

/** a / b where b is no rounding, else what stands in for it. */
function quotient(build: Builder, a: Value, b: Value, otherwise: Value): Value {
  const isAlike = build.less(build.abs(b), alike);
  return build.where(isAlike, otherwise, build.div(a, build.where(isAlike, 1, b)));
}

const activation: Rule = (c) => {
  const { build, x, y, dy } = c;
  const [derivative, ...others] = ownGradients(c);
  if (!derivative) return [null, ...others];
  const [rise, run] = [build.sub(y[0], swapped(c, y[0])), build.sub(x[0], swapped(c, x[0]))];
  return [quotient(build, build.mul(dy[0], rise), run, derivative), ...others];
};

/** What the maximum gains is the picture's, at the place of its own maximum, what it loses is the baseline's, at that of the other. */
const maximum: Rule = (c) => {
  const { build, x, y, dy } = c;
  const [derivative] = ownGradients(c);
  if (!derivative) return [null];
  const other = swapped(c, y[0]);
  const larger = build.where(build.less(y[0], other), other, y[0]);
  const [placed] = ownGradients({ ...c, dy: [build.mul(dy[0], build.sub(larger, other))] });
  if (!placed) return [null];
  return [quotient(build, build.sub(placed, swapped(c, placed)), build.sub(x[0], swapped(c, x[0])), derivative)];
};

const bilinear: Rule = (c) => {
  const [own, [a, b]] = [ownGradients(c), c.x];
  if (!(c.needs[0] && c.needs[1]) || !b) return own;
  const others = ownGradients({ ...c, x: [swapped(c, a), swapped(c, b)] });
  return own.map((gradient, i) => {
    const other = others[i];
    return gradient && other ? c.build.mul(c.build.add(gradient, other), 0.5) : gradient;
  });
};

const activations = [
  ...["Relu", "Clip", "LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Swish"],
  ...[
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Softsign",
    "Erf",
    "Exp",
    "Log",
    "Sqrt",
    "Abs",
    "Reciprocal",
  ],
];

export const rescale: Overrides = new Map<string, Rule>([
  ...activations.map((name): [string, Rule] => [name, activation]),
  ["MaxPool", maximum],
  ["Mul", bilinear],
  ["MatMul", bilinear],
]);
