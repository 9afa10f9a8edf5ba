/** @file Activations that few vision models have; at a kink as the others (activation.ts). */
import { elementwise, type Op } from "./op.ts";
import { aligned } from "./rows.ts";

// y = max(0, x) + min(0, alpha (exp(x / alpha) - 1))
export const Celu = elementwise(({ build, attributes, x: [x], y: [y] }) =>
  build.where(build.less(x, 0), build.add(build.div(y, attributes.float("alpha", 1)), 1), 1),
);

// dx = dy * (x <= 0 ? y + alpha gamma : gamma)
export const Selu = elementwise(({ build, attributes, x: [x], y: [y] }) => {
  const alpha = attributes.float("alpha", 1.6732632423543772);
  const gamma = attributes.float("gamma", 1.0507009873554805);
  return build.where(build.greater(x, 0), gamma, build.add(y, alpha * gamma));
});

// y = x / (1 + |x|);  dx = dy / (1 + |x|)^2
export const Softsign: Op = {
  rows: aligned,
  vjp: ({ build, x: [x], dy: [dy] }) => {
    const scale = build.add(build.abs(x), 1);
    return [build.div(dy, build.mul(scale, scale))];
  },
};

// y = x [x > alpha]
export const ThresholdedRelu = elementwise(({ build, attributes, x: [x] }) =>
  build.cast(build.greater(x, attributes.float("alpha", 1)), x.type),
);

// y = x - bias above lambd, x + bias below -lambd, 0 between;  dx = dy * [|x| > lambd]
export const Shrink = elementwise(({ build, attributes, x: [x] }) =>
  build.step(build.sub(build.abs(x), attributes.float("lambd", 0.5))),
);

// y = x tanh(softplus(x)) = x t;  dx = dy * (t + x (1 - t^2) sigmoid(x))
export const Mish = elementwise(({ build, x: [x] }) => {
  const t = build.tanh(build.op("Softplus", [x], undefined, x.type, x.dims));
  return build.add(t, build.mul(build.mul(x, build.sub(1, build.mul(t, t))), build.sigmoid(x)));
});

// y = x s, s = sigmoid(alpha x);  dx = dy * (s + alpha y (1 - s))
export const Swish = elementwise(({ build, attributes, x: [x], y: [y] }) => {
  const alpha = attributes.float("alpha", 1);
  const s = build.sigmoid(build.mul(x, alpha));
  return build.add(s, build.mul(build.mul(y, alpha), build.sub(1, s)));
});
