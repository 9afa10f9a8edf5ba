/** @file Pooling. */
import type { Builder, Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, countOf, type Op, scatterFlat, spatialAxes, spatialDims, unsupported } from "./op.ts";
import { extent, overWindows, refuseGaps, type Window, windowOf } from "./window.ts";

/** y = mean over space;  dx = dy / (h w), everywhere. */
export const GlobalAveragePool: Op = {
  linear: [0],
  vjp: ({ build, x: [x], dy: [dy] }) => [spread(build, dy, x, countOf(build, x, spatialAxes(x)))],
};

const spread = (build: Builder, dy: Value, x: Value, count: Value | number): Value =>
  build.expandLike(typeof count === "number" ? build.mul(dy, 1 / count) : build.div(dy, count), x);

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
    const parts = build.div(dy, uniform ? counts[0] : build.floats(counts, [1, 1, ...output], dy.type));
    const tiles = plain && kernel.every((k, i) => k === window.strides[i] && input[i] === output[i] * k);
    if (tiles) return [tiled(build, parts, kernel, x)];
    return [overWindows(c, parts, window, input, output)];
  },
};

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
function tiled(build: Builder, parts: Value, kernel: readonly number[], x: Value): Value {
  const [, channels, ...output] = parts.dims as number[];
  const between = build.reshape(parts, [-1, channels, ...output.flatMap((o) => [o, 1])]);
  const target = build.ints([1, 1, ...kernel.flatMap((k) => [1, k])]);
  const dims = [-1, channels, ...output.flatMap((o, axis) => [o, kernel[axis]])];
  return build.reshapeLike(build.op("Expand", [between, target], undefined, parts.type, dims), x);
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

/** As of a window that is the whole grid, whose size may be free: the place of the first maximum. */
export const GlobalMaxPool: Op = {
  vjp: ({ build, x: [x], dy: [dy] }) => {
    const [n, channels] = x.dims ?? [-1, -1];
    const flat = { ...build.op("Reshape", [x, build.ints([0, 0, -1])], undefined, x.type), dims: [n, channels, -1] };
    const first = build.op("ArgMax", [flat], { axis: 2, keepdims: 1 }, DataType.INT64, [n, channels, 1]);
    const updates = build.op("Reshape", [dy, build.ints([0, 0, 1])], undefined, dy.type, [n, channels, 1]);
    const inputs = [build.zerosLike(flat), first, updates];
    const opType = build.opset < 11 ? "Scatter" : "ScatterElements";
    return [build.reshapeLike(build.op(opType, inputs, { axis: 2 }, dy.type, flat.dims), x)];
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
