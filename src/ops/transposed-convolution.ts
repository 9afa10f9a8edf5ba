/** @file The transpose of a convolution, in any number of spatial dimensions. */
import { type Call, type Op, spatialDims } from "./op.ts";
import { biasGradient, convolutionKernel, extent, type Window, windowOf } from "./window.ts";

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
