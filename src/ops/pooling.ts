/** @file Pooling. */
import type { Builder, Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, type Op, scatterFlat, spatialDims, unsupported } from "./op.ts";
import { convolutionInput, extent, refuseGaps, type Window, windowOf } from "./window.ts";

/** y = mean over space;  dx = dy / (h w), everywhere. */
export const GlobalAveragePool: Op = {
  linear: [0],
  vjp: (c) => [spread(c.build, c.dy[0], c.x[0], product(spatialDims(c, c.x[0])))],
};

const spread = (build: Builder, dy: Value, x: Value, count: number): Value =>
  build.expandLike(build.mul(dy, 1 / count), x);

export const AveragePool: Op = {
  linear: [0],
  vjp: (c) => {
    const { build, attributes } = c;
    const [x] = c.x;
    const [dy] = c.dy;
    const kernel = attributes.ints("kernel_shape") ?? [];
    const window = windowOf(c, x, kernel);
    const [input, output] = [spatialDims(c, x), spatialDims(c, dy)];
    refuseGaps(c, window, input);
    const plain = [...window.begin, ...window.end].every((p) => p === 0) && window.dilations.every((d) => d === 1);
    if (plain && output.every((o) => o === 1) && String(kernel) === String(input))
      return [spread(build, dy, x, product(kernel))];

    const counts = windowCounts(window, input, output, attributes.int("count_include_pad", 0) === 1);
    const uniform = counts.every((n) => n === counts[0]);
    const shares = build.div(dy, uniform ? counts[0] : build.floats(counts, [1, 1, ...output], dy.type));
    const tiles = plain && kernel.every((k, i) => k === window.strides[i] && input[i] === output[i] * k);
    if (tiles) return [tiled(build, shares, kernel, x)];
    return [overWindows(c, shares, window, input, output)];
  },
};

/** Each element of dy added to every place of its window: a depth-wise convolution's input gradient, with a kernel of ones. */
function overWindows(c: Call, dy: Value, window: Window, input: readonly number[], output: readonly number[]): Value {
  const { build, node } = c;
  const [x] = c.x;
  const { kernel } = window;
  if ((x.dims?.[1] ?? -1) < 0) unsupported(node, "the number of channels is not known");
  const ones = build.floats(Array(product(kernel)).fill(1), [1, 1, ...kernel], dy.type);
  const folded = { ...build.reshape(dy, [-1, 1, ...output]), dims: [-1, 1, ...output] };
  return build.reshapeLike(convolutionInput(build, folded, ones, 1, reaching(window, input, output), input), x);
}

/** Windows that `ceil_mode` lets begin inside and end outside of the padding: the end pad becomes what they reach. */
function reaching(window: Window, input: readonly number[], output: readonly number[]): Window {
  const end = window.end.map((pad, i) => {
    const reach = (output[i] - 1) * window.strides[i] + extent(window.kernel[i], window.dilations[i]);
    return Math.max(pad, reach - window.begin[i] - input[i]);
  });
  return { ...window, end };
}

/** How many elements each window averages: those inside the input, or inside the padded input. Row-major over the output. */
function windowCounts(
  window: Window,
  input: readonly number[],
  output: readonly number[],
  includePad: boolean,
): number[] {
  const along = output.map((n, axis) =>
    range(n).map((o) => {
      const start = o * window.strides[axis] - window.begin[axis];
      const [low, high] = includePad ? [-window.begin[axis], input[axis] + window.end[axis]] : [0, input[axis]];
      const places = range(window.kernel[axis]).map((k) => start + k * window.dilations[axis]);
      return places.filter((p) => p >= low && p < high).length;
    }),
  );
  return along.reduce((counts, axis) => counts.flatMap((a) => axis.map((b) => a * b)), [1]);
}

/** Repeats each element over its own tile: [N, C, h, w] -> [N, C, h k, w k]. */
function tiled(build: Builder, shares: Value, kernel: readonly number[], x: Value): Value {
  const [, channels, ...output] = shares.dims as number[];
  const between = build.reshape(shares, [-1, channels, ...output.flatMap((o) => [o, 1])]);
  const target = build.ints([1, 1, ...kernel.flatMap((k) => [1, k])]);
  return build.reshapeLike(build.op("Expand", [between, target], undefined, shares.type), x);
}

/** The whole gradient goes to the first maximum in row-major order: the place that a second MaxPool reports. */
export const MaxPool: Op = {
  vjp: (c) => {
    const { attributes } = c;
    const window = windowOf(c, c.x[0], attributes.ints("kernel_shape") ?? []);
    // Padding is left to the runtime, so that both nodes have the same.
    const auto_pad = attributes.string("auto_pad", "NOTSET");
    const padding: Padding = auto_pad === "NOTSET" ? { pads: [...window.begin, ...window.end] } : { auto_pad };
    return [maxPoolInput(c, window, padding, attributes.int("ceil_mode", 0))];
  },
};

type Padding = { pads?: readonly number[]; auto_pad?: string };

export const GlobalMaxPool: Op = {
  vjp: (c) => {
    const kernel = spatialDims(c, c.x[0]);
    const [ones, zeros] = [kernel.map(() => 1), kernel.map(() => 0)];
    return [maxPoolInput(c, { kernel, strides: ones, dilations: ones, begin: zeros, end: zeros }, {}, 0)];
  },
};

function maxPoolInput(c: Call, window: Window, padding: Padding, ceil_mode: number): Value {
  const { build } = c;
  const [x] = c.x;
  const [dy] = c.dy;
  const { kernel, strides, dilations } = window;
  const dilated = dilations.some((d) => d !== 1);
  if (dilated && build.opset < 10) unsupported(c.node, "dilations before operator set 10");
  const attributes = {
    kernel_shape: kernel,
    strides,
    ...padding,
    ...(build.opset >= 10 ? { dilations, ceil_mode } : {}),
  };
  const [, positions] = build.ops("MaxPool", [x], attributes, [
    { type: x.type, dims: dy.dims },
    { type: DataType.INT64, dims: dy.dims },
  ]);
  const overlap = kernel.map((k, i) => Math.ceil(extent(k, dilations[i]) / strides[i]));
  if (build.opset >= 16)
    return scatterFlat(
      c,
      x,
      positions,
      dy,
      overlap.some((p) => p > 1),
    );
  return phases(c, positions, overlap);
}

/**
 * Before operator set 16 no node adds at repeated positions. Every p-th window of overlapping ones is disjoint from the others
 * of its phase, so each phase is a plain scatter (MaxUnpool with a window of one, in float32), and the phases are summed.
 */
function phases(c: Call, positions: Value, overlap: readonly number[]): Value {
  const { build } = c;
  const [x] = c.x;
  const dy = build.cast(c.dy[0], DataType.FLOAT);
  const output = spatialDims(c, dy);
  const starts = overlap.reduce<number[][]>((all, p) => all.flatMap((s) => range(p).map((i) => [...s, i])), [[]]);
  const every = (value: Value, start: readonly number[]) =>
    start.reduce((kept, s, i) => {
      const picked = range(output[i]).filter((o) => o % overlap[i] === s);
      return overlap[i] === 1 ? kept : build.gather(kept, build.ints(picked), i + 2);
    }, value);
  const ones = overlap.map(() => 1);
  const scattered = starts
    .filter((start) => start.every((s, i) => s < output[i]))
    .map((start) =>
      build.op(
        "MaxUnpool",
        [every(dy, start), every(positions, start), build.shapeOf(x)],
        { kernel_shape: ones, strides: ones },
        dy.type,
        x.dims,
      ),
    );
  return build.cast(build.sum(scattered), x.type);
}

// y = (sum |x|^p)^(1/p);  dx = sign(x) |x|^(p-1) (dy y^(1-p), added over the windows that x is in)
const powerMean = (c: Call, add: (scaled: Value) => Value): Value => {
  const { build, attributes, x, y, dy } = c;
  const p = attributes.int("p", 2);
  const added = add(build.where(build.greater(y[0], 0), build.mul(dy[0], build.pow(y[0], 1 - p)), 0));
  return build.mul(build.mul(build.sign(x[0]), build.pow(build.abs(x[0]), p - 1)), added);
};

export const GlobalLpPool: Op = { vjp: (c) => [powerMean(c, (scaled) => scaled)] };

export const LpPool: Op = {
  vjp: (c) => {
    const [x] = c.x;
    const window = windowOf(c, x, c.attributes.ints("kernel_shape") ?? []);
    const [input, output] = [spatialDims(c, x), spatialDims(c, c.dy[0])];
    refuseGaps(c, window, input);
    return [powerMean(c, (scaled) => overWindows(c, scaled, window, input, output))];
  },
};

/** Each element was put at a flat position of the output; where several were, the last is left, and all get its gradient. */
export const MaxUnpool: Op = {
  linear: [0],
  vjp: ({ build, x: [x, indices], dy: [dy] }) => {
    const flat = build.reshape(dy, [-1]);
    return [{ ...build.gather(flat, indices, 0), dims: x.dims }];
  },
};

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
