/** @file Max pooling's gradient by comparisons, for providers without the places of the maxima, is to the bit the one by places. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { maxPoolByComparison } from "../../src/ops/first-maximum.ts";
import { type Attributes, oneNode, randomFeeds } from "../models.ts";
import { session } from "./rules.ts";

const rules = new Map([["MaxPool", maxPoolByComparison]]);

/** The shape of x, and what the node says; `since`: the operator set from which it may say that. */
const rows: Readonly<Record<string, readonly [x: number[], attributes: Attributes, since?: number]>> = {
  tiles: [[2, 3, 6, 8], { kernel_shape: [2, 2], strides: [2, 2] }],
  "an unused border": [[2, 3, 7, 5], { kernel_shape: [2, 2], strides: [3, 2] }],
  "a long unused border": [[1, 2, 12, 9], { kernel_shape: [1, 2], strides: [7, 8] }],
  overlapping: [[2, 3, 9, 7], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  "stride 1": [[2, 3, 6, 5], { kernel_shape: [3, 2] }],
  "a large kernel, stride 1": [[1, 2, 9, 9], { kernel_shape: [9, 9], pads: [4, 4, 4, 4] }],
  "one window": [[2, 3, 6, 5], { kernel_shape: [6, 5] }],
  "asymmetric pads": [[2, 3, 6, 5], { kernel_shape: [3, 3], strides: [2, 1], pads: [0, 1, 2, 0] }],
  SAME_UPPER: [[2, 3, 6, 7], { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }],
  SAME_LOWER: [[2, 3, 6, 7], { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }],
  "SAME_UPPER, gaps": [[2, 3, 10, 9], { kernel_shape: [1, 2], strides: [3, 4], auto_pad: "SAME_UPPER" }],
  "SAME_LOWER, gaps": [[2, 3, 10, 9], { kernel_shape: [1, 2], strides: [3, 4], auto_pad: "SAME_LOWER" }],
  VALID: [[2, 3, 6, 7], { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "VALID" }],
  "1-D": [[2, 3, 9], { kernel_shape: [3], strides: [2] }],
  "3-D": [[2, 2, 4, 5, 4], { kernel_shape: [2, 3, 2], strides: [1, 2, 2], pads: [1, 0, 0, 0, 1, 1] }],
  dilations: [[2, 3, 9, 8], { kernel_shape: [3, 2], dilations: [2, 3], strides: [1, 2] }, 10],
  "dilations, pads": [
    [2, 3, 9, 8],
    { kernel_shape: [3, 2], dilations: [2, 3], strides: [3, 2], pads: [2, 1, 1, 1] },
    10,
  ],
  ceil_mode: [[2, 3, 8, 7], { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }, 10],
  "ceil_mode, pads": [[2, 3, 8, 7], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 0, 1, 1] }, 10],
  "SAME_LOWER, dilations": [
    [2, 2, 8, 5, 8],
    { kernel_shape: [4, 2, 1], strides: [2, 3, 1], dilations: [1, 2, 1], auto_pad: "SAME_LOWER", ceil_mode: 1 },
    10,
  ],
};

/** Few values, so that most windows have their maximum several times. */
const tied = (normal: Float32Array) => normal.map((v) => Math.round(v));

describe.each(Object.entries(rows))("%s", (_, [x, attributes, since = 9]) => {
  test.each([9, 12, 18].filter((opset) => opset >= since))("opset %i", async (opset) => {
    for (const free of [[], ["x"]]) {
      const bytes = oneNode("MaxPool", { opset, inputs: { x }, attributes, free });
      const feeds = randomFeeds({ x }, tied);
      const { outputs } = await vjp(ort, bytes, { feeds, seeds: {}, wrt: [], session });
      const whole = outputs.y.data.length;
      // Whole numbers: sums are the same in every order.
      const seeds = {
        y: new ort.Tensor(
          "float32",
          Float32Array.from({ length: whole }, (_, i) => (i % 7) + 1),
          outputs.y.dims,
        ),
      };
      const asked = { feeds, seeds, wrt: ["x"], session };
      const [byPlaces, byComparison] = [await vjp(ort, bytes, asked), await vjp(ort, bytes, { ...asked, rules })];
      expect(byComparison.gradients.x.dims).toEqual(byPlaces.gradients.x.dims);
      expect(byComparison.gradients.x.data).toEqual(byPlaces.gradients.x.data);
    }
  });
});
