/** @file Small networks of the usual plans, with random weights: what the tests of explanations ask about. */
import * as ort from "onnxruntime-node";
import { randomNormal } from "../src/array/random.ts";
import { product } from "../src/onnx/dims.ts";
import { changed, DataType, decodeModel, encodeModel, makeValueInfo, type NodeProto } from "../src/onnx/proto.ts";
import type { Feeds } from "../src/onnx/runtime.ts";
import { floats, ints, model, type Numbers, node, type Sources, type Wanted } from "./models.ts";

/** Random weights; the scale keeps activations near 1. */
export function weights(dims: readonly number[], seed: number, scale = 1 / Math.sqrt(product(dims.slice(1)))): Numbers {
  return floats(
    Array.from(randomNormal(seed)(product(dims)), (v) => v * scale),
    dims,
  );
}

/** Images [n, 3, side, side]. */
export const images = (n = 2, side = 8, seed = 7, name = "x"): Feeds => ({
  [name]: new ort.Tensor("float32", randomNormal(seed)(n * 3 * side * side), [n, 3, side, side]),
});

const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const stem: readonly NodeProto[] = [node("Conv", "x w b", "conv", same), node("Relu", "conv", "features")];
const stemWeights: Sources = { w: weights([6, 3, 3, 3], 1), b: weights([6], 2, 0.1) };
const gemm = node("Gemm", "flat fw fb", "logits", { transB: 1 });
const head = [node("GlobalAveragePool", "features", "pooled"), node("Flatten", "pooled", "flat"), gemm];
const headWeights: Sources = { fw: weights([5, 6], 3, 1), fb: weights([5], 4, 0.1) };

type Plan = Partial<Pick<Wanted, "opset" | "outputs" | "free">> & {
  /** Dimensions of the input. */
  readonly input?: readonly number[];
  /** Nodes after the logits. */
  readonly after?: readonly NodeProto[];
  readonly constants?: Sources;
};

const build = (
  nodes: readonly NodeProto[],
  inputs: Sources,
  { opset = 13, free = ["x"], after = [], constants = {}, input = [2, 3, 8, 8], outputs }: Plan,
) => model({ opset, free, inputs: { x: input, ...inputs, ...constants }, nodes: [...nodes, ...after], outputs });

/** Conv, Relu "features", global average pooling, Gemm: 5 classes. */
export const gap = (plan: Plan = {}): Uint8Array => build([...stem, ...head], { ...stemWeights, ...headWeights }, plan);

/** Conv, Relu "features", MaxPool, Flatten, Gemm, Relu, Gemm: a head that is not linear. */
export const vgg = (plan: Plan = {}): Uint8Array =>
  build(
    [
      ...stem,
      node("MaxPool", "features", "pooled", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Flatten", "pooled", "flat"),
      node("Gemm", "flat w1 b1", "hidden", { transB: 1 }),
      node("Relu", "hidden", "rectified"),
      node("Gemm", "rectified w2 b2", "logits", { transB: 1 }),
    ],
    {
      ...stemWeights,
      w1: weights([12, 96], 5, 0.3),
      b1: weights([12], 6),
      w2: weights([5, 12], 7, 1),
      b2: weights([5], 8),
    },
    plan,
  );

/** Flatten, Gemm: no layer with a grid. */
export const linear = (plan: Plan = {}): Uint8Array =>
  build([node("Flatten", "x", "flat"), gemm], { fw: weights([5, 192], 15), fb: weights([5], 16) }, plan);

/** To the logits of "gap" comes the mean of a triangle of the features' mean, by an operator that has no rule: scores "y". */
export const unruled = (plan: Plan = {}): Uint8Array =>
  gap({
    ...plan,
    after: [
      node("ReduceMean", "features", "matrix", { axes: [1], keepdims: 0 }),
      changed(node("Trilu", "matrix", "triangle"), { domain: "com.microsoft" }),
      node("ReduceMean", "triangle", "mean", { axes: [1, 2], keepdims: 0 }),
      node("Unsqueeze", "mean mean_axes", "column"),
      node("Add", "logits column", "y"),
    ],
    constants: { mean_axes: ints([1]) },
  });

/** A squeeze-and-excitation block: the features times a gate made of their means, "scaled". */
export const squeezeExcite = (plan: Plan = {}): Uint8Array =>
  build(
    [
      ...stem,
      node("GlobalAveragePool", "features", "means"),
      node("Conv", "means s1", "squeezed"),
      node("Relu", "squeezed", "excited"),
      node("Conv", "excited s2", "gate"),
      node("Sigmoid", "gate", "opened"),
      node("Mul", "features opened", "scaled"),
      node("GlobalAveragePool", "scaled", "pooled"),
      node("Flatten", "pooled", "flat"),
      gemm,
    ],
    { ...stemWeights, ...headWeights, s1: weights([3, 6, 1, 1], 9), s2: weights([6, 3, 1, 1], 10) },
    plan,
  );

/** Down, bottleneck "deep", up, joined with what skipped it: scores [n, 4, h, w]. */
export const unet = (plan: Plan = {}): Uint8Array =>
  build(
    [
      ...stem,
      node("MaxPool", "features", "half", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Conv", "half u1", "bottom", same),
      node("Relu", "bottom", "deep"),
      node("ConvTranspose", "deep u2", "up", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Concat", "features up", "joined", { axis: 1 }),
      node("Conv", "joined u3", "merged", same),
      node("Relu", "merged", "last"),
      node("Conv", "last u4", "logits"),
    ],
    {
      ...stemWeights,
      u1: weights([6, 6, 3, 3], 11),
      u2: weights([6, 6, 2, 2], 12),
      u3: weights([6, 12, 3, 3], 13),
      u4: weights([4, 6, 1, 1], 14),
    },
    plan,
  );

/** Patches as tokens [n, 16, 6], "tokens" their sum with a layer of theirs, laid out as an image again for a global pooling. */
export const patchTokens = (plan: Plan = {}): Uint8Array =>
  build(
    [
      node("Conv", "x w b", "embedded", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Reshape", "embedded rows", "channels"),
      node("Transpose", "channels", "patches", { perm: [0, 2, 1] }),
      node("MatMul", "patches t1", "inner"),
      node("Relu", "inner", "hidden"),
      node("MatMul", "hidden t2", "dense"),
      node("Add", "patches dense", "tokens"),
      node("Transpose", "tokens", "turned", { perm: [0, 2, 1] }),
      node("Reshape", "turned image", "features"),
      ...head,
    ],
    {
      ...{ w: weights([6, 3, 2, 2], 1), b: weights([6], 2, 0.1), t1: weights([6, 12], 5), t2: weights([12, 6], 6) },
      ...{ rows: ints([0, 6, 16]), image: ints([0, 6, 4, 4]), ...headWeights },
    },
    plan,
  );

/** Patches behind a class token, [n, 17, 6]; an attention "mixed", a layer for each token alone "last", and a head on the class token. */
export const classToken = (plan: Plan = {}): Uint8Array =>
  build(
    [
      node("Conv", "x w b", "embedded", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Reshape", "embedded rows", "channels"),
      node("Transpose", "channels", "patches", { perm: [0, 2, 1] }),
      node("ReduceMean", "patches", "first", { axes: [1], keepdims: 1 }),
      node("Concat", "first patches", "tokens", { axis: 1 }),
      node("Transpose", "tokens", "keys", { perm: [0, 2, 1] }),
      node("MatMul", "tokens keys", "affinity"),
      node("Softmax", "affinity", "attention", { axis: -1 }),
      node("MatMul", "attention tokens", "mixed"),
      node("Add", "tokens mixed", "attended"),
      node("MatMul", "attended t1", "inner"),
      node("Relu", "inner", "hidden"),
      node("MatMul", "hidden t2", "dense"),
      node("Add", "attended dense", "last"),
      node("Gather", "last zero", "flat", { axis: 1 }),
      gemm,
    ],
    {
      ...{ w: weights([6, 3, 2, 2], 1), b: weights([6], 2, 0.1), t1: weights([6, 12], 5), t2: weights([12, 6], 6) },
      ...{ rows: ints([0, 6, 16]), zero: ints(0), ...headWeights },
    },
    plan,
  );

/** A layer on windows of 4 x 4, [n, windows, places, channels], and "joined" again; `folded`, they are [n windows, places, channels]. */
export const windows = ({ folded = false, ...plan }: Plan & { readonly folded?: boolean } = {}): Uint8Array =>
  build(
    [
      ...stem,
      node("Reshape", "features cut", "blocks"),
      node("Transpose", "blocks", "sorted", { perm: [0, 2, 4, 3, 5, 1] }),
      node("Reshape", "sorted listed", "windows"),
      node("MatMul", "windows t", "dense"),
      node("Relu", "dense", "active"),
      node("Reshape", "active back", "grid"),
      node("Transpose", "grid", "unsorted", { perm: [0, 5, 1, 3, 2, 4] }),
      node("Reshape", "unsorted image", "joined"),
      node("GlobalAveragePool", "joined", "pooled"),
      ...head.slice(1),
    ],
    {
      ...{ ...stemWeights, ...headWeights, t: weights([6, 6], 5), cut: ints([0, 6, 2, 4, 2, 4]) },
      ...{ listed: ints(folded ? [-1, 16, 6] : [0, 4, 16, 6]), image: ints([-1, 6, 8, 8]) },
      back: ints([folded ? -1 : 0, 2, 2, 4, 4, 6]),
    },
    plan,
  );

/** The pictures come with channels last. */
export const channelsLast = (): Uint8Array =>
  model({
    opset: 13,
    free: ["image"],
    inputs: { image: [2, 8, 8, 3], ...stemWeights, ...headWeights },
    nodes: [node("Transpose", "image", "x", { perm: [0, 3, 1, 2] }), ...stem, ...head],
  });

/** Computes in float16, from a float32 or a float16 picture; scores are of the picture's type. */
export function halfPrecision(input: DataType.FLOAT | DataType.FLOAT16): Uint8Array {
  const constants = Object.entries({ ...stemWeights, ...headWeights });
  const half = (name: string, to: string) => node("Cast", name, to, { to: DataType.FLOAT16 });
  const named = (from: NodeProto): NodeProto =>
    changed(from, {
      input: from.input.map((name) =>
        name === "x" ? "x16" : constants.some(([c]) => c === name) ? `${name}16` : name,
      ),
    });
  return model({
    opset: 13,
    inputs: { x: { type: input, dims: [2, 3, 8, 8], values: [], fed: true }, ...Object.fromEntries(constants) },
    free: ["x"],
    nodes: [
      ...constants.map(([name]) => half(name, `${name}16`)),
      half("x", "x16"),
      ...[...stem, ...head].map(named),
      node("Cast", "logits", "y", { to: input }),
    ],
  });
}

/** The model with other dimensions declared of its input; a text is a free one. */
export function withInput(bytes: Uint8Array, dims: readonly (number | string)[]): Uint8Array {
  const proto = decodeModel(bytes);
  const graph = proto.graph!;
  const { name } = graph.input[0];
  return encodeModel(
    changed(proto, {
      graph: changed(graph, { input: [makeValueInfo(name, DataType.FLOAT, dims), ...graph.input.slice(1)] }),
    }),
  );
}
