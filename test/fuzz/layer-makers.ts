/** @file Makers of the layers of networks: products, convolutions, poolings, normalisations, reductions, recurrence, attention. */
import { product, range } from "../../src/onnx/dims.ts";
import { float } from "../../src/onnx/proto.ts";
import type { Attributes } from "../models.ts";
import { Impossible, type Known, type Maker, type Making } from "./making.ts";

const spatial = (x: Known): readonly number[] => x.dims.slice(2);
const signal = (m: Making): Known => m.ofRank(3, 5, ({ dims }) => product(dims) > 0);
const each = (m: Making, x: Known, low: number, high: number): number[] => spatial(x).map(() => m.draw.int(low, high));

/**
 * Rounding up, unless a last window would begin behind the end: inference counts it, the kernels do not, and so the runtime may refuse
 * nodes of known shapes behind it.
 */
function roundingUp(m: Making, x: Known, attributes: Windows): Attributes {
  const { kernel_shape, strides, pads, dilations } = attributes;
  if (m.opset < 10 || !pads || !m.draw.chance(0.3)) return {};
  const fits = spatial(x).every((size, i) => {
    const reach = size + pads[i] + pads[i + kernel_shape.length] - (kernel_shape[i] - 1) * (dilations?.[i] ?? 1) - 1;
    return Math.ceil(reach / strides[i]) * strides[i] < size + pads[i];
  });
  return fits ? { ceil_mode: 1 } : {};
}

interface Windows {
  readonly kernel_shape: readonly number[];
  readonly strides: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly auto_pad?: string;
}

/** Windows over the spatial axes. */
function windows(m: Making, x: Known, dilates: boolean): Windows {
  const kernel = spatial(x).map((d) => m.draw.int(1, Math.min(3, d)));
  const strides = each(m, x, 1, 3);
  const shape = { kernel_shape: kernel, strides };
  if (m.draw.chance(0.2)) return { ...shape, auto_pad: m.draw.pick(["SAME_UPPER", "SAME_LOWER", "VALID"]) };
  const pads = [...kernel, ...kernel].map((k) => m.draw.int(0, k - 1));
  const dilations = spatial(x).map((d, i) => (dilates && m.draw.chance(0.3) && 2 * kernel[i] - 1 <= d ? 2 : 1));
  return { ...shape, pads, ...(dilations.some((d) => d > 1) && { dilations }) };
}

const groupsOf = (m: Making, channels: number): number =>
  m.draw.pick(
    range(channels)
      .map((g) => g + 1)
      .filter((g) => channels % g === 0),
  );

function reduction(opType: string, since: number, fits: (x: Known) => boolean = () => true): Maker {
  return (m) => {
    const x = m.tensor((t) => t.dims.length > 0 && product(t.dims) > 0 && fits(t));
    const keepdims = m.draw.int(0, 1);
    if (m.draw.chance(0.2)) return m.node(opType, [x.name], { keepdims });
    const axes = m.axes(x.dims.length).map((a) => (m.opset >= 11 && m.draw.chance(0.2) ? a - x.dims.length : a));
    m.listed(since, opType, x.name, "axes", axes, { keepdims });
  };
}

const softmax =
  (opType: string): Maker =>
  (m) => {
    const x = m.ofRank(1, 4);
    m.node(opType, [x.name], m.draw.chance(0.3) ? {} : { axis: m.axis(x.dims.length) });
  };

const epsilon = (m: Making): Attributes => (m.draw.chance(0.5) ? { epsilon: float(0.01) } : {});
/** Means over a handful of numbers, so that the variance is not next to nothing. */
const normalised = (m: Making, from: number) => m.ofRank(from + 1, 5, ({ dims }) => product(dims.slice(from)) > 2);

const recurrent =
  (opType: string, gates: number): Maker =>
  (m) => {
    const x = m.ofRank(3, 3, ({ dims }) => product(dims) > 0 && dims[0] < 6);
    const hidden = m.draw.int(1, 3);
    const direction = m.draw.pick(["forward", "reverse", "bidirectional"]);
    const ways = direction === "bidirectional" ? 2 : 1;
    const [, , width] = x.dims;
    const inputs = [
      x.name,
      m.weights([ways, gates * hidden, width], 0.7),
      m.weights([ways, gates * hidden, hidden], 0.7),
      ...(m.draw.chance(0.5) ? [m.weights([ways, 2 * gates * hidden], 0.5)] : []),
    ];
    const before: Attributes = opType === "GRU" ? { linear_before_reset: m.draw.int(0, 1) } : {};
    m.nodes(opType, inputs, { hidden_size: hidden, direction, ...before }, { outputs: m.draw.int(1, 2) });
  };

const sizes = (m: Making, x: Known) => spatial(x).map(() => m.draw.pick([1, 1.5, 2, 0.6, 3]));

export const layerMakers: Readonly<Record<string, Maker>> = {
  MatMul: (m) => {
    const x = m.ofRank(1, 4, ({ dims }) => product(dims) > 0);
    const width = x.dims[x.dims.length - 1];
    if (x.dims.length > 1 && m.draw.chance(0.3))
      return m.node("MatMul", [m.weights([2, x.dims[x.dims.length - 2]]), x.name]);
    if (x.dims.length > 1 && m.draw.chance(0.3)) {
      const last = range(x.dims.length - 2);
      const turned = m.node("Transpose", [x.name], { perm: [...last, x.dims.length - 1, x.dims.length - 2] });
      return m.node("MatMul", [x.name, turned]);
    }
    m.node("MatMul", [x.name, m.weights(m.draw.chance(0.2) ? [width] : [width, m.draw.int(1, 4)])]);
  },
  Gemm: (m) => {
    const x = m.ofRank(2);
    const [transA, transB] = [m.draw.int(0, 1), m.draw.int(0, 1)];
    const [rows, inner] = transA ? [x.dims[1], x.dims[0]] : x.dims;
    const columns = m.draw.int(1, 4);
    const addend = m.weights(m.draw.pick([[columns], [1, columns], [rows, 1], [rows, columns], []]));
    const inputs = [x.name, m.weights(transB ? [columns, inner] : [inner, columns]), addend];
    const scale: Attributes = m.draw.chance(0.5) ? { alpha: float(0.7), beta: float(1.3) } : {};
    m.node("Gemm", m.opset >= 11 && m.draw.chance(0.3) ? inputs.slice(0, 2) : inputs, { transA, transB, ...scale });
  },
  Einsum: (m) => {
    m.since(12);
    const x = m.ofRank(2, 3);
    const equation = m.draw.pick(
      x.dims.length === 2
        ? ["ij,kj->ik", "ij,kj->", "ij,kj->kji", "ij,ij->i"]
        : ["bij,bkj->bik", "bij,bij->b", "bij,bij->ij"],
    );
    m.node("Einsum", [x.name, m.draw.chance(0.5) ? x.name : m.weights(x.dims)], { equation });
  },
  Conv: (m) => {
    const x = signal(m);
    const { kernel_shape, ...rest } = windows(m, x, true);
    const group = groupsOf(m, x.dims[1]);
    const out = group * m.draw.int(1, 2);
    const weights = m.weights([out, x.dims[1] / group, ...kernel_shape], 0.5);
    m.node("Conv", [x.name, weights, ...(m.draw.chance(0.5) ? [m.weights([out])] : [])], {
      kernel_shape,
      group,
      ...rest,
    });
  },
  ConvTranspose: (m) => {
    const x = signal(m);
    const group = groupsOf(m, x.dims[1]);
    const kernel = each(m, x, 1, 3);
    const strides = each(m, x, 1, 2);
    const pads = [...kernel, ...kernel].map((k) => m.draw.int(0, (k - 1) >> 1));
    const output_padding = strides.map((s) => m.draw.int(0, s - 1));
    const weights = m.weights([x.dims[1], m.draw.int(1, 2), ...kernel], 0.5);
    m.node("ConvTranspose", [x.name, weights], { kernel_shape: kernel, strides, pads, output_padding, group });
  },
  MaxPool: (m) => {
    const x = signal(m);
    const moves = windows(m, x, m.opset >= 10);
    m.node("MaxPool", [x.name], { ...moves, ...roundingUp(m, x, moves) });
  },
  AveragePool: (m) => {
    const x = signal(m);
    const moves = windows(m, x, m.opset >= 19);
    const counts = { count_include_pad: m.draw.int(0, 1) };
    m.node("AveragePool", [x.name], { ...moves, ...counts, ...roundingUp(m, x, moves) });
  },
  LpPool: (m) => {
    const x = signal(m);
    m.node("LpPool", [x.name], { ...windows(m, x, false), p: m.draw.int(1, 3) });
  },
  GlobalAveragePool: (m) => m.node("GlobalAveragePool", [signal(m).name]),
  GlobalMaxPool: (m) => m.node("GlobalMaxPool", [signal(m).name]),
  GlobalLpPool: (m) => m.node("GlobalLpPool", [signal(m).name], { p: m.draw.int(1, 3) }),
  LRN: (m) => m.node("LRN", [m.ofRank(4).name], { size: m.draw.pick([1, 3, 5]), alpha: float(0.1), beta: float(0.75) }),
  BatchNormalization: (m) => {
    const x = m.ofRank(2, 5);
    const c = [x.dims[1]];
    const inputs = [x.name, m.weights(c), m.weights(c), m.weights(c), m.positive(c)];
    m.node("BatchNormalization", inputs, epsilon(m));
  },
  InstanceNormalization: (m) => {
    const x = normalised(m, 2);
    m.node("InstanceNormalization", [x.name, m.weights([x.dims[1]]), m.weights([x.dims[1]])], epsilon(m));
  },
  LayerNormalization: (m) => {
    m.since(17);
    const from = m.draw.int(1, 2);
    const x = normalised(m, from);
    const dims = x.dims.slice(from);
    const bias = m.draw.chance(0.5) ? [m.weights(dims)] : [];
    m.node("LayerNormalization", [x.name, m.weights(dims), ...bias], { axis: from, ...epsilon(m) });
  },
  RMSNormalization: (m) => {
    m.since(23);
    const x = normalised(m, 1);
    m.node("RMSNormalization", [x.name, m.weights(x.dims.slice(1))], { axis: 1, ...epsilon(m) });
  },
  GroupNormalization: (m) => {
    m.since(18);
    const x = normalised(m, 2);
    const num_groups = groupsOf(m, x.dims[1]);
    const scales = [m.opset < 21 ? num_groups : x.dims[1]];
    m.node("GroupNormalization", [x.name, m.weights(scales), m.weights(scales)], { num_groups, ...epsilon(m) });
  },
  LpNormalization: (m) => {
    const x = m.ofRank(1, 4);
    m.node("LpNormalization", [x.name], { axis: m.axis(x.dims.length), p: m.draw.int(1, 2) });
  },
  MeanVarianceNormalization: (m) => {
    m.since(9);
    m.node("MeanVarianceNormalization", [m.ofRank(4, 4, ({ dims: [n, , h, w] }) => n * h * w > 4).name]);
  },
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  ReduceSum: reduction("ReduceSum", 13),
  ReduceMean: reduction("ReduceMean", 18),
  ReduceSumSquare: reduction("ReduceSumSquare", 18),
  ReduceL1: reduction("ReduceL1", 18),
  ReduceL2: reduction("ReduceL2", 18),
  ReduceLogSum: reduction("ReduceLogSum", 18, ({ least }) => least > 0.1),
  ReduceLogSumExp: reduction("ReduceLogSumExp", 18),
  ReduceMax: reduction("ReduceMax", 18),
  ReduceMin: reduction("ReduceMin", 18),
  ReduceProd: reduction("ReduceProd", 18),
  CumSum: (m) => {
    m.since(11);
    const x = m.ofRank(1, 4);
    m.node("CumSum", [x.name, m.ints(m.axis(x.dims.length))], {
      exclusive: m.draw.int(0, 1),
      reverse: m.draw.int(0, 1),
    });
  },
  TopK: (m) => {
    const x = m.ofRank(1, 3, ({ dims }) => dims[dims.length - 1] > 1);
    const k = m.draw.int(1, x.dims[x.dims.length - 1]);
    if (m.opset < 10) m.nodes("TopK", [x.name], { axis: -1, k }, { outputs: 2 });
    else m.nodes("TopK", [x.name, m.ints([k])], m.opset < 11 ? {} : { largest: m.draw.int(0, 1) }, { outputs: 2 });
  },
  Upsample: (m) => {
    if (m.opset > 9) throw new Impossible();
    const x = m.ofRank(4);
    const scales = [1, 1, m.draw.int(1, 3), m.draw.int(1, 3)];
    const mode = m.draw.pick(["nearest", "linear"]);
    if (m.opset < 9) m.node("Upsample", [x.name], { mode }, { floats: { scales } });
    else m.node("Upsample", [x.name, m.floats(scales)], { mode });
  },
  Resize: (m) => {
    m.since(10);
    const x = signal(m);
    const scales = m.floats([1, 1, ...sizes(m, x)]);
    const mode = m.draw.pick(
      x.dims.length === 4 && m.opset > 10 ? ["nearest", "linear", "cubic"] : ["nearest", "linear"],
    );
    if (m.opset === 10) return m.node("Resize", [x.name, scales], { mode });
    const transforms = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"];
    const roi = m.opset < 13 ? m.floats([]) : "";
    m.node("Resize", [x.name, roi, scales], { mode, coordinate_transformation_mode: m.draw.pick(transforms) });
  },
  GridSample: (m) => {
    m.since(16);
    const x = m.ofRank(4, 4, ({ dims }) => product(dims) > 0);
    const dims = [x.dims[0], 3, 2, 2];
    const mode = m.draw.pick(m.opset < 20 ? ["bilinear", "nearest"] : ["linear", "nearest"]);
    const padding_mode = m.draw.pick(["zeros", "border"]);
    m.node("GridSample", [x.name, m.weights(dims, 0.5)], { mode, padding_mode, align_corners: m.draw.int(0, 1) });
  },
  RNN: recurrent("RNN", 1),
  GRU: recurrent("GRU", 3),
  LSTM: recurrent("LSTM", 4),
  Attention: (m) => {
    m.since(23);
    const q = m.ofRank(4, 4, ({ dims }) => product(dims) > 0);
    const other = () => (m.draw.chance(0.5) ? q.name : m.weights(q.dims));
    m.node("Attention", [q.name, other(), other()], m.draw.chance(0.3) ? { is_causal: 1 } : {});
  },
};
