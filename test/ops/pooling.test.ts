import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { DataType, float } from "../../src/onnx/proto.ts";
import { type Attributes, fed, ints, model, node, oneNode, randomFeeds, tensor } from "../models.ts";
import { apart, checkRule, session } from "./rules.ts";

// From operator set 16 positions are added up by ScatterElements, before by phases of disjoint windows.
checkRule(
  "MaxPool",
  { opsets: [8, 10, 11, 12, 16, 22], values: apart, most: 1e-3, free: ["x"] },
  {
    tiles: [{ x: [2, 3, 6, 8] }, { kernel_shape: [2, 2], strides: [2, 2] }],
    "an unused border": [{ x: [2, 3, 7, 5] }, { kernel_shape: [2, 2], strides: [3, 2] }],
    overlapping: [{ x: [2, 3, 9, 7] }, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
    "stride 1": [{ x: [2, 3, 6, 5] }, { kernel_shape: [3, 2] }],
    "asymmetric pads": [{ x: [2, 3, 6, 5] }, { kernel_shape: [3, 3], strides: [2, 1], pads: [0, 1, 2, 0] }],
    SAME_UPPER: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }],
    SAME_LOWER: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }],
    VALID: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "VALID" }],
    "1-D": [{ x: [2, 3, 9] }, { kernel_shape: [3], strides: [2] }],
    "3-D": [{ x: [2, 2, 4, 5, 4] }, { kernel_shape: [2, 3, 2], strides: [1, 2, 2] }],
  },
);
checkRule(
  "MaxPool",
  { opsets: [10, 12, 16, 22], values: apart, most: 1e-3, free: ["x"] },
  {
    dilations: [{ x: [2, 3, 9, 8] }, { kernel_shape: [3, 2], dilations: [2, 3], strides: [1, 2] }],
    ceil_mode: [{ x: [2, 3, 8, 7] }, { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }],
    "ceil_mode, pads": [
      { x: [2, 3, 8, 7] },
      { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 0, 1, 1] },
    ],
    // The runtime pads as if the kernel were not dilated.
    "SAME_LOWER, dilations": [
      { x: [2, 2, 8, 5, 8] },
      { kernel_shape: [4, 2, 1], strides: [2, 3, 1], dilations: [1, 2, 1], auto_pad: "SAME_LOWER", ceil_mode: 1 },
    ],
    "columns first": [{ x: [2, 3, 6, 5] }, { kernel_shape: [3, 2], storage_order: 1 }],
    "half precision": [
      { x: [2, 3, 6, 5] },
      { kernel_shape: [3, 2] },
      { opsets: [12, 16], as: DataType.FLOAT16, step: 0.1, values: (v) => apart(v).map((a) => a * 4), most: 2e-2 },
    ],
    "double precision": [{ x: [2, 3, 6, 5] }, { kernel_shape: [3, 2] }, { opsets: [12, 16], as: DataType.DOUBLE }],
  },
);

checkRule(
  "GlobalMaxPool",
  { opsets: [7, 9, 11, 16, 22], values: apart, most: 1e-3, free: ["x"] },
  {
    "1-D": [{ x: [2, 3, 9] }],
    "2-D": [{ x: [2, 3, 5, 4] }],
    "3-D": [{ x: [2, 3, 5, 2, 3] }],
  },
);

checkRule(
  "AveragePool",
  { opsets: [7, 10, 11, 19, 22], linear: true, free: ["x"] },
  {
    tiles: [{ x: [2, 3, 6, 8] }, { kernel_shape: [2, 4], strides: [2, 4] }],
    "tiles and a border": [{ x: [2, 3, 7, 8] }, { kernel_shape: [2, 2], strides: [2, 2] }],
    "the whole input": [{ x: [2, 3, 6, 5] }, { kernel_shape: [6, 5] }],
    "the whole of one axis": [{ x: [2, 3, 6, 5] }, { kernel_shape: [6, 2] }],
    overlapping: [{ x: [2, 3, 9, 7] }, { kernel_shape: [3, 3], strides: [2, 1] }],
    "pads not counted": [{ x: [2, 3, 9, 7] }, { kernel_shape: [3, 4], strides: [2, 2], pads: [1, 2, 0, 1] }],
    "pads counted": [
      { x: [2, 3, 9, 7] },
      { kernel_shape: [3, 4], strides: [2, 2], pads: [1, 2, 0, 1], count_include_pad: 1 },
    ],
    "stride 1, pads not counted": [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
    "stride 1, pads counted": [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }],
    SAME_UPPER: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }],
    SAME_LOWER: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }],
    "SAME_UPPER, counted": [
      { x: [2, 3, 6, 7] },
      { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER", count_include_pad: 1 },
    ],
    VALID: [{ x: [2, 3, 6, 7] }, { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "VALID" }],
    "1-D": [{ x: [2, 3, 9] }, { kernel_shape: [3], strides: [2], pads: [1, 1] }],
    "3-D": [{ x: [2, 2, 4, 5, 4] }, { kernel_shape: [2, 3, 2], strides: [1, 2, 2] }],
  },
);
checkRule(
  "AveragePool",
  { opsets: [10, 11, 19, 22], linear: true, free: ["x"] },
  {
    ceil_mode: [{ x: [2, 3, 8, 7] }, { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1 }],
    "ceil_mode, pads not counted": [
      { x: [2, 3, 8, 7] },
      { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 0, 1, 1] },
    ],
    "ceil_mode, pads counted": [
      { x: [2, 3, 8, 7] },
      { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 0, 1, 1], count_include_pad: 1 },
    ],
    "ceil_mode, no pads to count": [
      { x: [2, 3, 8, 7] },
      { kernel_shape: [3, 3], strides: [2, 3], ceil_mode: 1, count_include_pad: 1 },
    ],
  },
);
checkRule(
  "AveragePool",
  { opsets: [19, 22], linear: true, free: ["x"] },
  {
    dilations: [{ x: [2, 3, 9, 8] }, { kernel_shape: [3, 2], dilations: [2, 3] }],
    "dilations, pads not counted": [
      { x: [2, 3, 9, 8] },
      { kernel_shape: [3, 2], dilations: [2, 3], strides: [2, 2], pads: [2, 1, 1, 0] },
    ],
    "dilations, pads counted": [
      { x: [2, 3, 9, 8] },
      { kernel_shape: [3, 2], dilations: [2, 3], pads: [2, 1, 1, 0], count_include_pad: 1 },
    ],
    "dilations, ceil_mode": [
      { x: [2, 3, 9, 8] },
      { kernel_shape: [3, 2], dilations: [2, 2], strides: [2, 3], ceil_mode: 1 },
    ],
  },
);

checkRule(
  "GlobalAveragePool",
  { opsets: [7, 11, 22], linear: true, free: ["x"] },
  {
    "1-D": [{ x: [2, 3, 9] }],
    "2-D": [{ x: [2, 3, 5, 4] }],
    "3-D": [{ x: [2, 3, 5, 2, 3] }],
    "half precision": [{ x: [2, 3, 5, 4] }, {}, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);

checkRule(
  "GlobalLpPool",
  { opsets: [7, 11], free: ["x"], values: (v) => v.map((a) => a + Math.sign(a) / 4) },
  {
    "p = 2": [{ x: [2, 3, 5, 4] }],
    "p = 1": [{ x: [2, 3, 5, 4] }, { p: 1 }],
    "p = 3": [{ x: [2, 3, 9] }, { p: 3 }],
  },
);

checkRule(
  "LpPool",
  { opsets: [11, 18, 22], free: ["x"], values: (v) => v.map((a) => a + Math.sign(a) / 4) },
  {
    "1-D": [{ x: [2, 3, 9] }, { kernel_shape: [3] }],
    "2-D": [{ x: [2, 3, 5, 4] }, { kernel_shape: [3, 2] }],
    "p = 1": [{ x: [2, 3, 5, 4] }, { kernel_shape: [2, 2], p: 1 }],
    "p = 3": [{ x: [2, 3, 5, 4] }, { kernel_shape: [2, 2], p: 3, strides: [2, 1] }],
    "pads and strides": [{ x: [2, 3, 7, 6] }, { kernel_shape: [3, 3], pads: [1, 1, 0, 1], strides: [2, 2] }],
    "same padding": [{ x: [2, 3, 7, 6] }, { kernel_shape: [3, 3], auto_pad: "SAME_UPPER" }],
    dilations: [{ x: [2, 3, 7, 6] }, { kernel_shape: [2, 2], dilations: [2, 1] }, { opsets: [18, 22] }],
    "ceil mode": [{ x: [2, 3, 6, 6] }, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }, { opsets: [18, 22] }],
    "3-D": [{ x: [2, 2, 4, 3, 3] }, { kernel_shape: [2, 2, 2] }],
  },
);

const strong = { alpha: float(0.5), beta: float(0.75), bias: float(1.5) };
// ONNX Runtime refuses even sizes.
checkRule(
  "LRN",
  { opsets: [7, 11, 13], free: ["x"] },
  {
    "odd size": [{ x: [2, 6, 3, 4] }, { size: 3, ...strong }],
    "size 1": [{ x: [2, 6, 3, 4] }, { size: 1, ...strong }],
    "as large as the channels": [{ x: [2, 5, 3, 4] }, { size: 5, ...strong }],
    defaults: [{ x: [2, 6, 3, 4] }, { size: 5 }],
  },
);

// Windows that see the same largest value twice give their gradient to the first place, in row-major order.
describe("MaxPool at ties", () => {
  const x = tensor([1, 1, 1, 1, 1, 1, 2, 2, 2], [1, 1, 3, 3]);
  const overlapping = { kernel_shape: [2, 2] };
  test.each<[string, Attributes, number[], number[]]>([
    ["overlapping", overlapping, [1, 10, 100, 1000], [1, 10, 0, 0, 0, 0, 100, 1000, 0]],
    [
      "with pads",
      { ...overlapping, strides: [3, 3], pads: [1, 1, 1, 1] },
      [1, 10, 100, 1000],
      [1, 0, 10, 0, 0, 0, 100, 0, 1000],
    ],
    ["the whole input", { kernel_shape: [3, 3] }, [1], [0, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])("%s", async (_, attributes, seed, expected) => {
    for (const opset of [8, 11, 12, 16, 22]) {
      const bytes = oneNode("MaxPool", { opset, inputs: { x: x.dims }, attributes });
      const size = Math.sqrt(seed.length);
      const { gradients } = await vjp(ort, bytes, {
        feeds: { x },
        seeds: { y: tensor(seed, [1, 1, size, size]) },
        wrt: ["x"],
        session,
      });
      expect([...gradients.x.data], `opset ${opset}`).toEqual(expected);
    }
  });
});

test.each([
  ["GlobalAveragePool", Array(6).fill(1 / 6)],
  ["GlobalMaxPool", [0, 1, 0, 0, 0, 0]],
])("%s of a grid that only the run knows", async (opType, wanted) => {
  const inputs = { x: [1, 1, 2, 2], pads: fed(ints([0, 0, 0, 1, 0, 0, 0, 0])) };
  const feeds = { ...randomFeeds(inputs), x: tensor([4, 1, 2, 3], inputs.x) };
  const nodes = [node("Pad", "x pads", "z"), node(opType, "z", "y")];
  for (const opset of [11, 13, 18]) {
    const seeds = { y: tensor([1], [1, 1, 1, 1]) };
    const { gradients } = await vjp(ort, model({ opset, inputs, nodes }), { feeds, seeds, wrt: ["z"], session });
    expect(gradients.z.dims).toEqual([1, 1, 2, 3]);
    for (const [i, want] of wanted.entries()) expect(gradients.z.data[i]).toBeCloseTo(want, 6);
  }
});
