/** @file What operators do to the places of cells along one axis: by stride, dilation, pads and `coordinate_transformation_mode`. */
import type { Attributes } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";

/** One axis of a node's first input, and what the node makes of it. */
export interface Along {
  readonly node: NodeProto;
  readonly a: Attributes;
  readonly axis: number;
  /** Places before and behind the node; -1 where only the run knows. */
  readonly from: number;
  readonly to: number;
  /** Which of the node's outputs. */
  readonly index: number;
  /** Of an input that is absent, none. */
  readonly dims: (name: string | undefined) => readonly number[];
  readonly values: (input: number, attribute?: string) => readonly number[] | undefined;
}

/** The first cell begins `before` cells earlier and is `more` cells wider, the next is `stride` cells on; between cells where that is not whole. */
export interface Window {
  readonly before: number;
  readonly more: number;
  readonly stride: number;
}

/** Undefined where a cell looks everywhere, or what it sees depends on a size that is not known. */
type WindowRule = (along: Along) => Window | undefined;

/** Cell k is where cell `from + k * stride` was. */
const moved = (from: number, stride: number): Window => ({ before: -from, more: 0, stride });
const same = moved(0, 1);

/** The axis among some that count from the end too. */
const among = (axes: readonly number[], { axis, node, dims }: Along): number => {
  const rank = dims(node.input[0]).length;
  return axes.findIndex((one) => (one < 0 ? one + rank : one) === axis);
};

/** What pads come before, where they are said or follow from the sizes. */
function padOf({ a, axis }: Along, total: number): number {
  const auto = a.string("auto_pad", "NOTSET");
  if (auto === "VALID") return 0;
  if (!auto.startsWith("SAME")) return a.ints("pads")?.[axis - 2] ?? 0;
  return auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
}

/** The stride, and how far the kernel reaches behind its first tap; undefined for the batch and the channels. */
function kernelOf({ a, axis, node, dims }: Along, weight: number | undefined) {
  const sizes = a.ints("kernel_shape") ?? (weight === undefined ? undefined : dims(node.input[weight]).slice(2));
  const taps = sizes?.[axis - 2];
  if (taps === undefined) return undefined;
  return { stride: a.ints("strides")?.[axis - 2] ?? 1, more: (taps - 1) * (a.ints("dilations")?.[axis - 2] ?? 1) };
}

/** Convolution and pooling: batch, channels, then as many axes as the kernel has. */
const sliding =
  (weight?: number): WindowRule =>
  (along) => {
    const kernel = kernelOf(along, weight);
    if (!kernel) return undefined;
    const { stride, more } = kernel;
    const cells = along.from > 0 ? Math.ceil(along.from / stride) : Number.NaN;
    const total = stride === 1 ? more : Math.max(0, (cells - 1) * stride + more + 1 - along.from);
    return { before: padOf(along, total), more, stride };
  };

/** Output o is made of input cells (o + pad - tap * dilation) / stride. */
const transposedConvolution: WindowRule = (along) => {
  const kernel = kernelOf(along, 1);
  if (!kernel) return undefined;
  const { a, axis, from, to } = along;
  const { stride, more } = kernel;
  const known = from > 0 && to > 0 ? to : Number.NaN;
  const total = stride * (from - 1) + (a.ints("output_padding")?.[axis - 2] ?? 0) + more + 1 - known;
  const pad = a.has("output_shape") ? Math.ceil(total / 2) : padOf(along, total);
  return { before: (more - pad) / stride, more: more / stride, stride: 1 / stride };
};

/** Where a cell of a resized axis is among the cells before, by ONNX's `coordinate_transformation_mode`. */
const coordinates: Readonly<Record<string, (cell: number, stride: number) => number>> = {
  asymmetric: (cell, stride) => cell * stride,
  align_corners: (cell, stride) => cell * stride,
  half_pixel: (cell, stride) => (cell + 0.5) * stride - 0.5,
  half_pixel_symmetric: (cell, stride) => (cell + 0.5) * stride - 0.5,
  pytorch_half_pixel: (cell, stride) => (cell + 0.5) * stride - 0.5,
  tf_half_pixel_for_nn: (cell, stride) => (cell + 0.5) * stride,
};

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Cells whose nearest ones are taken are repeated or left out: on average so far beside `cell * stride`. */
function averageOffset(
  position: (cell: number, stride: number) => number,
  round: (x: number) => number,
  stride: number,
) {
  const cells = 840; // divisible by all factors that are in use
  let sum = 0;
  for (let cell = 0; cell < cells; cell++) sum += round(position(cell, stride)) - cell * stride;
  return sum / cells;
}

const resize: WindowRule = ({ a, axis, node, from, to, dims, values }) => {
  const known = from > 0 && to > 0;
  if (known && from === to) return same;
  const old = node.opType === "Upsample" || node.input.length === 2;
  const scales = a.floats("scales") ?? values(old ? 1 : 2);
  const mode = a.string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const position = coordinates[mode];
  const round = roundings[old ? "floor" : a.string("nearest_mode", "round_prefer_floor")];
  if (!position || !round || a.has("axes")) return undefined;
  const scale = scales?.length === dims(node.input[0]).length ? scales[axis] : undefined;
  let stride = scale !== undefined ? 1 / scale : known ? from / to : Number.NaN;
  if (mode === "align_corners") stride = known && to > 1 ? (from - 1) / (to - 1) : Number.NaN;
  const nearest = a.string("mode", "nearest") === "nearest";
  return moved(nearest && stride > 0 ? averageOffset(position, round, stride) : position(0, stride), stride);
};

const pad: WindowRule = (along) => {
  const { axis, node, values } = along;
  const pads = values(1, "pads");
  const axes = values(3);
  if (!pads || (node.input[3] && !axes)) return undefined;
  return moved(-(pads[axes ? among(axes, along) : axis] ?? 0), 1);
};

const slice: WindowRule = (along) => {
  const { node, from, values } = along;
  const starts = values(1, "starts");
  const axes = values(3, "axes") ?? (node.input[3] ? undefined : starts?.map((_, i) => i));
  const steps = node.input[4] ? values(4) : starts?.map(() => 1);
  if (!starts || !axes || !steps) return undefined;
  const at = among(axes, along);
  const [start = 0, step = 1] = [starts[at], steps[at]];
  if (step <= 0 || (start < 0 && from <= 0)) return undefined;
  return moved(start < 0 ? Math.max(0, start + from) : start, step);
};

const split: WindowRule = (along) => {
  const { a, axis, node, index, dims } = along;
  if (among([a.int("axis", 0)], along) < 0) return same;
  const before = node.output.slice(0, index).map((name) => dims(name)[axis] ?? -1);
  return before.some((size) => size < 0)
    ? undefined
    : moved(
        before.reduce((sum, size) => sum + size, 0),
        1,
      );
};

const spaceToDepth: WindowRule = ({ a }) => {
  const block = a.int("blocksize", 1);
  return { before: 0, more: block - 1, stride: block };
};

const depthToSpace: WindowRule = ({ a }) => moved(0.5 / a.int("blocksize", 1) - 0.5, 1 / a.int("blocksize", 1));

const named = (names: string, rule: WindowRule) => names.split(" ").map((name) => [name, rule] as const);

/** By operator, for its first input; what else it reads are parameters. */
export const windowRules: ReadonlyMap<string, WindowRule> = new Map([
  ...named("Conv FusedConv ConvInteger DeformConv", sliding(1)),
  ...named("QLinearConv", sliding(3)),
  ...named("MaxPool AveragePool LpPool QLinearAveragePool", sliding()),
  ...named("ConvTranspose", transposedConvolution),
  ...named("Resize Upsample", resize),
  ...named("Pad", pad),
  ...named("Slice", slice),
  ...named("Split", split),
  ...named("SpaceToDepth", spaceToDepth),
  ...named("DepthToSpace", depthToSpace),
]);
