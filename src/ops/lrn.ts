/** @file Local response normalisation, of AlexNet and GoogLeNet. */
import type { Builder, Value } from "../onnx/build.ts";
import { type Op, unsupported } from "./op.ts";

/** y = x / s^beta with s = bias + alpha / size * (sum of x^2 over neighbouring channels). */
export const LRN: Op = {
  vjp: ({ build, attributes, x: [x], dy: [dy], node }) => {
    const [alpha, beta, bias] = [
      attributes.float("alpha", 1e-4),
      attributes.float("beta", 0.75),
      attributes.float("bias", 1),
    ];
    const size = attributes.int("size", 1);
    const channels = x.dims?.[1] ?? -1;
    if (channels < 0) unsupported(node, "the number of channels is not known");
    const before = Math.floor((size - 1) / 2);
    const s = build.add(
      build.mul(channelSum(build, build.mul(x, x), channels, before, size - 1 - before), alpha / size),
      bias,
    );
    const scaled = build.mul(dy, build.pow(s, -beta));
    const inner = channelSum(build, build.div(build.mul(scaled, x), s), channels, size - 1 - before, before);
    return [build.sub(scaled, build.mul(build.mul(x, inner), (2 * alpha * beta) / size))];
  },
};

/** The sum over a window of channels, `before` and `after` the channel itself. */
function channelSum(build: Builder, x: Value, channels: number, before: number, after: number): Value {
  const size = before + after + 1;
  const image = build.reshape(x, [0, 1, channels, -1]);
  const mean = build.op(
    "AveragePool",
    [image],
    { kernel_shape: [size, 1], pads: [before, 0, after, 0], count_include_pad: 1 },
    x.type,
  );
  return build.mul(build.reshapeLike(mean, x), size);
}
