/** @file Windows that move over the spatial axes: what convolution and pooling share. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import { type Call, spatialAxes, spatialDims, unsupported } from "./op.ts";

/** How a window moves over the spatial axes. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** Reads kernel, strides, dilations and pads, with `auto_pad` worked out from the spatial dimensions of x. */
export function windowOf(c: Call, x: Value, kernel: readonly number[]): Window {
  const { attributes } = c;
  const ones = kernel.map(() => 1);
  const strides = attributes.ints("strides") ?? ones;
  const dilations = attributes.ints("dilations") ?? ones;
  const mode = attributes.string("auto_pad", "NOTSET");
  const pads = attributes.ints("pads") ?? [...ones, ...ones].map(() => 0);
  if (!mode.startsWith("SAME")) {
    const used = mode === "VALID" ? pads.map(() => 0) : pads;
    return { kernel, strides, dilations, begin: used.slice(0, kernel.length), end: used.slice(kernel.length) };
  }
  const total = spatialDims(c, x).map((size, i) => {
    const steps = Math.ceil(size / strides[i]);
    return Math.max(0, (steps - 1) * strides[i] + extent(kernel[i], dilations[i]) - size);
  });
  const small = total.map((t) => Math.floor(t / 2));
  const large = total.map((t) => Math.ceil(t / 2));
  const [begin, end] = mode === "SAME_UPPER" ? [small, large] : [large, small];
  return { kernel, strides, dilations, begin, end };
}

/** ONNX Runtime lets `auto_pad` SAME begin inside the input where windows leave gaps, and pads as if a kernel were not dilated. */
export function refuseGaps({ attributes, node }: Call, window: Window, input: readonly number[]): void {
  if (!attributes.string("auto_pad", "NOTSET").startsWith("SAME")) return;
  const { kernel, strides, dilations } = window;
  const gaps = input.some((size, i) => (Math.ceil(size / strides[i]) - 1) * strides[i] + kernel[i] < size - 1);
  if (gaps || dilations.some((d) => d > 1))
    unsupported(node, "auto_pad SAME with dilations, or with strides beyond the kernel");
}

/** The length that a dilated kernel covers. */
export const extent = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/**
 * The input gradient of a convolution: dy [N, M, ...] -> [N, C, ...input].
 * With stride 1 it is a convolution by the flipped kernel (the flip is folded when the session is made, and Conv is several times
 * faster than ConvTranspose), and so it is with larger strides where each channel goes alone, once zeros stand between the elements
 * of dy; else a transposed convolution, `output_padding` giving back the border that no window reached.
 */
export function convolutionInput(
  build: Builder,
  dy: Value,
  w: Value,
  group: number,
  window: Window,
  input: readonly number[],
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const dims = [dy.dims?.[0] ?? -1, (w.dims?.[1] ?? -1) * group, ...input];
  const back = kernel.map((k, i) => extent(k, dilations[i]) - 1 - begin[i]);
  const strided = strides.some((s) => s !== 1);
  const spread = strided && group === dy.dims?.[1] && w.dims?.[1] === 1 && kernel.length === 2;
  const length = (i: number) => (dy.dims?.[i + 2] ?? 0) * (spread ? strides[i] : 1);
  const front = input.map((size, i) => size - length(i) + begin[i]);
  if ((!strided || spread) && [...back, ...front].every((p) => p >= 0)) {
    const attributes = { group, dilations, kernel_shape: kernel, pads: [...back, ...front] };
    const image = spread ? apart(build, dy, strides) : dy;
    return build.op("Conv", [image, flipped(build, w, group)], attributes, dy.type, dims);
  }
  const reach = input.map(
    (_, i) => ((dy.dims?.[i + 2] ?? 0) - 1) * strides[i] + extent(kernel[i], dilations[i]) - begin[i] - end[i],
  );
  const output_padding = input.map((size, i) => size - reach[i]);
  const attributes = { group, strides, dilations, kernel_shape: kernel, pads: [...begin, ...end], output_padding };
  return build.op("ConvTranspose", [dy, w], attributes, dy.type, dims);
}

/** The elements of dy with zeros between them: each repeated over a block of the strides, all but the first of the block blanked. */
function apart(build: Builder, dy: Value, strides: readonly number[]): Value {
  const block = range(product(strides)).map((i) => (i === 0 ? 1 : 0));
  const repeats = [1, 1, ...strides.map((_, i) => dy.dims?.[i + 2] ?? 1)];
  const firsts = build.op(
    "Tile",
    [build.floats(block, [1, 1, ...strides], dy.type), build.ints(repeats)],
    undefined,
    dy.type,
    [1, 1, ...strides.map((s, i) => s * repeats[i + 2])],
  );
  return build.mul(build.upsample(dy, [1, 1, ...strides]), firsts);
}

/** A kernel [M, C/g, ...k] mirrored in space and with its channels exchanged: [C, M/g, ...k]. */
function flipped(build: Builder, w: Value, group: number): Value {
  const [m, c, ...kernel] = w.dims as number[];
  const space = range(kernel.length);
  const grouped = build.reshape(w, [group, m / group, c, ...kernel]);
  const exchanged = build.transpose(grouped, [0, 2, 1, ...space.map((i) => i + 3)]);
  const swapped =
    group === 1
      ? build.transpose(w, [1, 0, ...space.map((i) => i + 2)])
      : build.reshape(exchanged, [group * c, m / group, ...kernel]);
  return kernel.reduce(
    (kept, k, i) => (k === 1 ? kept : build.gather(kept, build.ints(range(k).reverse()), i + 2)),
    swapped,
  );
}

/** The kernel gradient: a convolution of x [N, C, ...] with dy [N, M, ...] over the batch, strides and dilations exchanged. */
export function convolutionKernel(build: Builder, x: Value, dy: Value, group: number, window: Window): Value {
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

export const biasGradient = (build: Builder, dy: Value): Value => build.reduceSum(dy, [0, ...spatialAxes(dy)], false);

/** Each element of dy added to every place of its window: a depth-wise convolution's input gradient, with a kernel of ones. */
export function overWindows(
  c: Call,
  dy: Value,
  window: Window,
  input: readonly number[],
  output: readonly number[],
): Value {
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
