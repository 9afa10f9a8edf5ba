/** @file What windows, pads and resizing do to the places of cells: by stride, dilation, pads and `coordinate_transformation_mode`. */
import { type Call, type FieldRule, moved, through } from "./field.ts";

/** Kernel, strides, dilations and the pads before, of every spatial axis; undefined where they depend on a size that is not known. */
function windowOf(
  { a, node, dims }: Call,
  kernel: readonly number[],
): { before: number; more: number; stride: number }[] | undefined {
  const auto = a.string("auto_pad", "NOTSET");
  const sizes = dims(node.input[0]).slice(2);
  const windows = kernel.map((k, i) => {
    const stride = a.ints("strides")?.[i] ?? 1;
    const more = (k - 1) * (a.ints("dilations")?.[i] ?? 1);
    if (!auto.startsWith("SAME")) return { before: auto === "VALID" ? 0 : (a.ints("pads")?.[i] ?? 0), more, stride };
    const unknown = stride === 1 ? more : Number.NaN;
    const size = sizes[i] ?? -1;
    const total = size > 0 ? (Math.ceil(size / stride) - 1) * stride + more + 1 - size : unknown;
    const half = Math.max(0, total) / 2;
    return { before: auto === "SAME_UPPER" ? Math.floor(half) : Math.ceil(half), more, stride };
  });
  return windows.every(({ before }) => Number.isFinite(before)) ? windows : undefined;
}

/** Convolution and pooling: batch, channels, then as many spatial axes as the kernel has. */
export const sliding =
  (kernelOf: (call: Call) => readonly number[] | undefined): FieldRule =>
  (call) => {
    const [x] = call.inputs;
    const kernel = kernelOf(call);
    const windows = kernel && windowOf(call, kernel);
    if (!x || !windows || x.length !== windows.length + 2) return undefined;
    return x.map((fields, axis) => {
      const window = windows[axis - 2]; // none for the batch and the channels
      return window ? through(fields, window) : [];
    });
  };

export const weightKernel =
  (input: number) =>
  ({ a, node, dims }: Call): readonly number[] | undefined =>
    a.ints("kernel_shape") ?? (node.input[input] ? dims(node.input[input]).slice(2) : undefined);

/** Output o is made of input cells (o + pad - tap * dilation) / stride. */
export const transposedConvolution: FieldRule = (call) => {
  const { a, inputs, node, dims, output } = call;
  const [x] = inputs;
  const kernel = weightKernel(1)(call);
  if (!x || !kernel || x.length !== kernel.length + 2) return undefined;
  const [sizes, made] = [dims(node.input[0]).slice(2), dims(output).slice(2)];
  const auto = a.string("auto_pad", "NOTSET");
  return x.map((fields, axis) => {
    const i = axis - 2;
    const [taps, [field, ...others]] = [kernel[i], fields];
    if (taps === undefined || !field || others.length) return [];
    const stride = a.ints("strides")?.[i] ?? 1;
    const reach = (taps - 1) * (a.ints("dilations")?.[i] ?? 1);
    let pad = auto === "VALID" ? 0 : (a.ints("pads")?.[i] ?? 0);
    if (auto.startsWith("SAME") || a.has("output_shape")) {
      const [from = -1, to = -1] = [sizes[i], made[i]];
      if (!(from > 0 && to > 0)) return [];
      const total = stride * (from - 1) + (a.ints("output_padding")?.[i] ?? 0) + reach + 1 - to;
      pad = auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    }
    const centred = moved(fields, (pad - reach / 2) / stride, 1 / stride);
    const wider = (reach / 2 / stride) * field.step;
    return centred.map((field) => ({ ...field, low: field.low - wider, high: field.high + wider }));
  });
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

export const resize: FieldRule = ({ a, node, inputs: [x], dims, values, output }) => {
  const [size, made] = [dims(node.input[0]), dims(output)];
  const old = node.opType === "Upsample" || node.input.length === 2;
  const scales = a.floats("scales") ?? values(node.input[old ? 1 : 2]);
  const mode = a.string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const position = coordinates[mode];
  const round = roundings[old ? "floor" : a.string("nearest_mode", "round_prefer_floor")];
  if (!x || !position || !round || a.has("axes")) return undefined;
  return x.map((fields, axis) => {
    const [from = -1, to = -1] = [size[axis], made[axis]];
    const known = from > 0 && to > 0;
    if (!fields.length || (known && from === to)) return fields;
    const scale = scales?.length === size.length ? scales[axis] : undefined;
    let stride = scale !== undefined ? 1 / scale : known ? from / to : Number.NaN;
    if (mode === "align_corners") stride = known && to > 1 ? (from - 1) / (to - 1) : Number.NaN;
    if (!(stride > 0)) return [];
    const nearest = a.string("mode", "nearest") === "nearest";
    return moved(fields, nearest ? averageOffset(position, round, stride) : position(0, stride), stride);
  });
};

export const pad: FieldRule = ({ a, node, inputs: [x], values }) => {
  const pads = a.ints("pads") ?? values(node.input[1]);
  const axes = values(node.input[3]);
  if (!x || !pads || (node.input[3] && !axes)) return undefined;
  return x.map((fields, axis) => {
    const at = axes ? axes.findIndex((one) => (one < 0 ? one + x.length : one) === axis) : axis;
    return at < 0 || !pads[at] ? fields : moved(fields, -pads[at], 1);
  });
};

export const slice: FieldRule = ({ a, node, inputs: [x], values, dims }) => {
  const starts = a.ints("starts") ?? values(node.input[1]);
  const axes = a.ints("axes") ?? (node.input[3] ? values(node.input[3]) : starts?.map((_, i) => i));
  const steps = node.input[4] ? values(node.input[4]) : starts?.map(() => 1);
  if (!x || !starts || !axes || !steps) return undefined;
  const sizes = dims(node.input[0]);
  return x.map((fields, axis) => {
    const at = axes.findIndex((one) => (one < 0 ? one + x.length : one) === axis);
    if (at < 0 || !fields.length) return fields;
    // Tokens: those in front of the grid are cut off, or none.
    const [start, step, size = -1] = [starts[at], steps[at], sizes[axis]];
    if (fields.length > 1) return step === 1 ? fields : [];
    if (start === undefined || step === undefined || step <= 0 || (start < 0 && !(size > 0))) return [];
    return moved(fields, start < 0 ? Math.max(0, start + size) : start, step);
  });
};

export const spaceToDepth: FieldRule = ({ a, inputs: [x] }) => {
  const block = a.int("blocksize", 1);
  return x?.map((fields, axis) => (axis < 2 ? [] : through(fields, { more: block - 1, stride: block })));
};

export const depthToSpace: FieldRule = ({ a, inputs: [x] }) => {
  const block = a.int("blocksize", 1);
  return x?.map((fields, axis) => (axis < 2 ? [] : moved(fields, 0.5 / block - 0.5, 1 / block)));
};
