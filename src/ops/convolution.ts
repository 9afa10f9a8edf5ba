/** @file Convolution and its transpose, in any number of spatial dimensions. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Call, type Op, spatialAxes, spatialDims } from "./op.ts";
import { convolutionInput, extent, refuseGaps, type Window, windowOf } from "./window.ts";

/** The kernel gradient: a convolution of x [N, C, ...] with dy [N, M, ...] over the batch, strides and dilations exchanged. */
function convolutionKernel(build: Builder, x: Value, dy: Value, group: number, window: Window): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const [, channels, ...space] = x.dims as number[];
  const rank = rankOf(x);
  const axes = range(rank).slice(2);
  // [N, g C', ...] -> [C', g N, ...]: the batch becomes the channels, a group at a time.
  const grouped = build.reshape(x, [-1, group, channels / group, ...space]);
  const batchInside = build.transpose(grouped, [2, 1, 0, ...axes.map((a) => a + 1)]);
  const image = build.reshape(batchInside, [channels / group, -1, ...space]);
  const filter = build.transpose(dy, [1, 0, ...axes]);
  const attributes = { group, strides: dilations, dilations: strides, pads: [...begin, ...end] };
  const full = build.op("Conv", [image, filter], attributes, x.type);
  const cut = kernel.reduce((kept, k, i) => build.slice(kept, i + 2, 0, k), full);
  return build.transpose(cut, [1, 0, ...axes]);
}

const biasGradient = (build: Builder, dy: Value): Value => build.reduceSum(dy, [0, ...spatialAxes(dy)], false);

export const Conv: Op = {
  linear: [0, 1],
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, w] = c.x;
    const [dy] = c.dy;
    const group = attributes.int("group", 1);
    const window = windowOf(c, x, spatialDims(c, w));
    refuseGaps(c, window, spatialDims(c, x));
    return [
      needs[0] ? convolutionInput(build, dy, w, group, window, spatialDims(c, x)) : null,
      needs[1] ? convolutionKernel(build, x, dy, group, window) : null,
      needs[2] ? biasGradient(build, dy) : null,
    ];
  },
};

// The transpose of a convolution has the convolution as its input gradient.
export const ConvTranspose: Op = {
  linear: [0, 1],
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, w] = c.x;
    const [dy] = c.dy;
    const group = attributes.int("group", 1);
    const window = transposedWindow(c, spatialDims(c, w));
    const { kernel, strides, dilations, begin, end } = window;
    // What lies beyond the last window is cut off; the other end is padding.
    const reached = spatialDims(c, dy).reduce(
      (kept, size, i) => (end[i] < 0 ? build.slice(kept, i + 2, 0, size + end[i]) : kept),
      dy,
    );
    const cut = { ...window, end: end.map((pad) => Math.max(pad, 0)) };
    const forward = { group, strides, dilations, kernel_shape: kernel, pads: [...begin, ...cut.end] };
    return [
      needs[0] ? build.op("Conv", [reached, w], forward, dy.type, x.dims) : null,
      needs[1] ? convolutionKernel(build, reached, x, group, cut) : null,
      needs[2] ? biasGradient(build, dy) : null,
    ];
  },
};

/**
 * The window of a ConvTranspose. `output_shape` and `auto_pad` say its pads indirectly; the end is what the output leaves
 * of the windows' reach, so that `output_padding` is in it, and negative where the output is larger.
 */
function transposedWindow(c: Call, kernel: readonly number[]): Window {
  const { attributes } = c;
  const [input, output] = [spatialDims(c, c.x[0]), spatialDims(c, c.y[0])];
  const window = windowOf(c, c.x[0], kernel);
  const mode = attributes.string("auto_pad", "NOTSET");
  const reach = kernel.map((k, i) => window.strides[i] * (input[i] - 1) + extent(k, window.dilations[i]));
  const extra = attributes.ints("output_padding") ?? kernel.map(() => 0);
  const total = reach.map((r, i) => Math.max(0, r + extra[i] - output[i]));
  const indirect = attributes.has("output_shape") || mode.startsWith("SAME");
  const halves = total.map((t) => (mode === "SAME_UPPER" ? Math.floor(t / 2) : Math.ceil(t / 2)));
  const begin = indirect ? halves : window.begin;
  return { ...window, begin, end: reach.map((r, i) => r - begin[i] - output[i]) };
}
