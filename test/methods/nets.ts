/** @file Networks small enough to be worked out on paper. */

import * as ort from "onnxruntime-node";
import type { Target } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { ask, numbers } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";

/**
 * Two channels, two classes:
 *
 *   x = [ 1 -2 ]   A0 = ReLU(x)     = [ 1 0 ], mean 1    y0 =   A0 + 2 A1 (means) = 5
 *       [-1  3 ]                      [ 0 3 ]
 *                  A1 = ReLU(2 - x) = [ 1 4 ], mean 2    y1 = 3 A0 -   A1         = 1
 *                                     [ 3 0 ]
 */
const head = [
  node("Relu", "conv", "A"),
  node("GlobalAveragePool", "A", "pooled"),
  node("Flatten", "pooled", "flat"),
  node("Gemm", "flat fw fb", "y", { transB: 1 }),
];
const headWeights = { fw: floats([1, 2, 3, -1], [2, 2]), fb: floats([0, 0]) };
const biases = floats([0, 2]);

/** x is the picture, and the convolution takes it pixel by pixel. */
export const small = model({
  opset: 13,
  free: ["x"],
  inputs: { x: [1, 1, 2, 2], w: floats([1, -1], [2, 1, 1, 1]), b: biases, ...headWeights },
  nodes: [node("Conv", "x w b", "conv"), ...head],
  outputs: ["y", "A"],
});
export const smallPicture: Feeds = { x: new ort.Tensor("float32", Float32Array.of(1, -2, -1, 3), [1, 1, 2, 2]) };

/** x is the sums of the 2 x 2 blocks of a picture of 4 x 4. */
export const blocks = model({
  opset: 13,
  inputs: { x: [1, 1, 4, 4], w: floats([1, 1, 1, 1, -1, -1, -1, -1], [2, 1, 2, 2]), b: biases, ...headWeights },
  nodes: [node("Conv", "x w b", "conv", { strides: [2, 2] }), ...head],
});
const blockPicture = [1, 0, -1, -1, 0, 0, 0, 0, 0, -1, 1, 1, 0, 0, 1, 0];
export const blocksPicture: Feeds = { x: new ort.Tensor("float32", Float32Array.from(blockPicture), [1, 1, 4, 4]) };

/** The score of class c is sum_i w_ci x_i, so that what hiding pixels costs is known. */
export const weighted = (weights: readonly number[], dims: readonly number[]): Uint8Array => {
  const size = dims.reduce((a, b) => a * b, 1);
  return model({
    opset: 13,
    free: ["x"],
    inputs: { x: [1, ...dims], w: floats(weights, [size, weights.length / size]) },
    nodes: [node("Flatten", "x", "flat"), node("MatMul", "flat w", "y")],
  });
};

/** A method's map and signed image of the first target. */
export async function explained(bytes: Uint8Array, feeds: Feeds, method: MethodName, target: Target) {
  const { maps, pixels } = await ask(bytes, feeds, { method, target });
  return { map: numbers(maps), pixels: numbers(pixels) };
}
