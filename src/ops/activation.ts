/** @file Activations. Where a formula has a kink, the derivative at the kink is that of the left side, as in PyTorch. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Call, clipMask, elementwise, type Op, positive, unbroadcast } from "./op.ts";
import { aligned, beside } from "./rows.ts";

// dx = dy * [y > 0]
export const Relu = elementwise(({ build, y: [y] }) => build.step(y));

// dx = dy * [min < x < max];  bounds that are computed get what they cut off.  Where min > max everything is max, which gets it all
export const Clip: Op = {
  rows: aligned,
  vjp: (c) => {
    const { build, needs } = c;
    const [x, min, max] = c.x;
    const [dy] = c.dy;
    const mask = clipMask(c);
    const crossed = () => build.greater(min, max);
    const below = () => (max ? build.and(build.less(x, min), build.not(crossed())) : build.less(x, min));
    const above = () => (min ? build.or(build.greater(x, max), crossed()) : build.greater(x, max));
    return [
      mask ? build.mul(dy, mask) : dy,
      needs[1] ? unbroadcast(build, build.where(below(), dy, 0), min) : null,
      needs[2] ? unbroadcast(build, build.where(above(), dy, 0), max) : null,
    ];
  },
};

// dx = dy * (x < 0 ? alpha : 1)
export const LeakyRelu = elementwise(({ build, attributes, x: [x] }) =>
  build.where(build.less(x, 0), build.floats(attributes.float("alpha", 0.01), undefined, x.type), 1),
);

// y = x < 0 ? slope * x : x
export const PRelu: Op = {
  rows: aligned,
  vjp: ({ build, x: [x, slope], dy: [dy], needs }) => {
    const negative = build.less(x, 0);
    const dslope = needs[1] ? unbroadcast(build, build.where(negative, build.mul(dy, x), 0), slope) : null;
    return [build.where(negative, build.mul(dy, slope), dy), dslope];
  },
};

// dx = dy * (x < 0 ? y + alpha : 1)
export const Elu = elementwise(({ build, attributes, x: [x], y: [y] }) =>
  build.where(build.less(x, 0), build.add(y, attributes.float("alpha", 1)), 1),
);

// dx = dy * y (1 - y)
export const Sigmoid = elementwise(({ build, y: [y] }) => build.mul(y, build.sub(1, y)));

// dx = dy * alpha [0 < y < 1]
export const HardSigmoid = elementwise(({ build, attributes, y: [y] }) =>
  build.where(
    build.and(build.greater(y, 0), build.less(y, 1)),
    constantLike(build, y, attributes.float("alpha", 0.2)),
    0,
  ),
);

// y = x clip(x / 6 + 1/2, 0, 1);  dx = dy * (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 1/2)
export const HardSwish = elementwise(({ build, x: [x] }) =>
  build.where(
    build.less(x, 3),
    build.where(build.greater(x, -3), build.add(build.div(x, 3), 0.5), 0),
    constantLike(build, x, 1),
  ),
);

// y = log(1 + exp(x));  dx = dy * sigmoid(x)
export const Softplus = elementwise(({ build, x: [x] }) => build.sigmoid(x));

// dx = dy * (1 - y^2)
export const Tanh = elementwise(({ build, y: [y] }) => build.sub(1, build.mul(y, y)));

// exact: y = x Phi(x), dx = dy * (Phi(x) + x phi(x));  tanh: y = x (1 + t) / 2, t = tanh(u), u = sqrt(2/pi) (x + 0.044715 x^3)
export const Gelu = elementwise(({ build, attributes, x: [x] }) => {
  const square = build.mul(x, x);
  if (attributes.string("approximate", "none") === "tanh") {
    const c = Math.sqrt(2 / Math.PI);
    const t = build.tanh(build.mul(build.mul(x, build.add(build.mul(square, 0.044715), 1)), c));
    const du = build.mul(build.add(build.mul(square, 3 * 0.044715), 1), c);
    const slope = build.mul(build.mul(x, build.sub(1, build.mul(t, t))), du);
    return build.mul(build.add(build.add(t, 1), slope), 0.5);
  }
  const cumulative = build.mul(build.add(build.erf(build.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = build.mul(build.exp(build.mul(square, -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return build.add(cumulative, build.mul(x, density));
});

// dx = y * (dy - sum(dy * y));  0 for a row that is minus infinity throughout, whose y is not a number
export const Softmax: Op = {
  rows: beside(softmaxAxes),
  vjp: (c) => {
    const { build, y, dy } = c;
    const weighted = build.mul(dy[0], y[0]);
    const sum = build.reduceSum(weighted, softmaxAxes(c));
    const dx = build.sub(weighted, build.mul(y[0], sum));
    return [build.where(build.less(build.abs(sum), Number.POSITIVE_INFINITY), dx, 0)];
  },
};

// dx = dy - softmax(x) * sum(dy);  for a row that is minus infinity throughout dx = dy
export const LogSoftmax: Op = {
  rows: beside(softmaxAxes),
  vjp: (c) => {
    const { build, y, dy } = c;
    const probability = build.where(build.less(y[0], 1), build.exp(y[0]), 0);
    return [build.sub(dy[0], build.mul(probability, build.reduceSum(dy[0], softmaxAxes(c))))];
  },
};

/** From operator set 13 one axis is normalised; before, all from `axis` on together. */
function softmaxAxes({ attributes, x: [x], opset }: Call): number[] {
  const rank = rankOf(x);
  const [axis] = positive([attributes.int("axis", opset >= 13 ? -1 : 1)], rank);
  return opset >= 13 ? [axis] : range(rank).slice(axis);
}

const constantLike = (build: Builder, x: Value, value: number): Value => build.floats(value, undefined, x.type);
