import { DataType } from "../../src/onnx/proto.ts";
import { checkRule } from "./rules.ts";

// ONNX Runtime refuses dilations beside auto_pad SAME_UPPER and SAME_LOWER.
checkRule(
  "Conv",
  { opsets: [11, 22], linear: true, free: ["x"] },
  {
    plain: [{ x: [2, 3, 7, 6], w: [4, 3, 3, 3] }, {}, { opsets: [7, 8, 9, 10, 11, 22] }],
    "with a bias": [{ x: [2, 3, 7, 6], w: [4, 3, 3, 3], b: [4] }],
    "pads that keep the size": [{ x: [2, 3, 7, 6], w: [4, 3, 3, 3] }, { pads: [1, 1, 1, 1] }],
    "asymmetric pads": [{ x: [2, 3, 7, 6], w: [4, 3, 3, 5] }, { pads: [0, 1, 2, 3] }],
    "pads larger than the kernel": [{ x: [2, 3, 4, 5], w: [4, 3, 2, 1] }, { pads: [3, 2, 4, 1] }],
    "pads larger than the kernel, strides": [
      { x: [2, 3, 4, 5], w: [4, 3, 2, 2] },
      { pads: [3, 4, 4, 5], strides: [2, 3] },
    ],
    "kernel 1": [{ x: [2, 3, 4, 5], w: [4, 3, 1, 1] }],
    "kernel 1, stride 2, unused border": [{ x: [2, 3, 6, 5], w: [4, 3, 1, 1] }, { strides: [2, 2] }],
    "even kernel": [{ x: [2, 3, 8, 7], w: [4, 3, 4, 2] }, { pads: [1, 0, 2, 1] }],
    "kernel of the size of the input": [{ x: [2, 3, 4, 5], w: [4, 3, 4, 5] }],
    strides: [
      { x: [2, 3, 9, 8], w: [4, 3, 3, 3] },
      { strides: [2, 3], pads: [1, 1, 1, 1] },
    ],
    "strides that leave a border unused": [
      { x: [2, 3, 10, 11], w: [4, 3, 3, 3] },
      { strides: [3, 4] },
      { opsets: [7, 9, 11, 22] },
    ],
    "strides larger than the kernel": [{ x: [2, 3, 9, 10], w: [4, 3, 2, 2] }, { strides: [4, 3] }],
    dilations: [
      { x: [2, 3, 9, 8], w: [4, 3, 3, 3] },
      { dilations: [2, 3], pads: [2, 3, 2, 3] },
    ],
    "dilations and strides": [
      { x: [2, 3, 12, 11], w: [4, 3, 3, 2] },
      { dilations: [2, 3], strides: [2, 2], pads: [1, 0, 0, 2] },
    ],
    groups: [
      { x: [2, 4, 9, 7], w: [6, 2, 3, 3], b: [6] },
      { group: 2, pads: [1, 1, 1, 1] },
    ],
    "groups, strides": [
      { x: [2, 4, 9, 7], w: [6, 2, 3, 3] },
      { group: 2, strides: [2, 2] },
    ],
    "depth-wise": [
      { x: [2, 4, 7, 6], w: [4, 1, 3, 3] },
      { group: 4, pads: [1, 1, 1, 1] },
    ],
    "depth-wise, strides, multiplier 2": [
      { x: [2, 4, 7, 6], w: [8, 1, 3, 3] },
      { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] },
    ],
    SAME_UPPER: [
      { x: [2, 3, 8, 9], w: [4, 3, 3, 4] },
      { auto_pad: "SAME_UPPER", strides: [2, 2] },
    ],
    "SAME_UPPER, stride 1, even kernel": [{ x: [2, 3, 8, 9], w: [4, 3, 2, 4] }, { auto_pad: "SAME_UPPER" }],
    "SAME_UPPER, kernel below the stride": [
      { x: [2, 3, 7, 9], w: [4, 3, 1, 2] },
      { auto_pad: "SAME_UPPER", strides: [3, 4] },
    ],
    SAME_LOWER: [
      { x: [2, 3, 8, 9], w: [4, 3, 3, 4] },
      { auto_pad: "SAME_LOWER", strides: [2, 2] },
    ],
    VALID: [
      { x: [2, 3, 8, 9], w: [4, 3, 3, 4] },
      { auto_pad: "VALID", strides: [2, 3] },
    ],
    "1-D": [
      { x: [2, 3, 11], w: [4, 3, 4], b: [4] },
      { strides: [2], pads: [1, 2] },
    ],
    "1-D, groups, dilations": [
      { x: [2, 4, 11], w: [2, 2, 3] },
      { group: 2, dilations: [3] },
    ],
    "3-D": [{ x: [2, 3, 5, 6, 4], w: [2, 3, 3, 2, 3] }, { pads: [1, 0, 1, 1, 1, 1] }],
    "3-D, strides": [{ x: [2, 3, 5, 6, 4], w: [2, 3, 3, 2, 2] }, { strides: [2, 3, 1] }],
    "half precision": [
      { x: [2, 3, 7, 6], w: [4, 3, 3, 3], b: [4] },
      { strides: [2, 1] },
      { as: DataType.FLOAT16, most: 1e-2 },
    ],
  },
);

checkRule(
  "ConvTranspose",
  { opsets: [11, 22], linear: true, free: ["x"] },
  {
    plain: [{ x: [2, 3, 5, 4], w: [3, 4, 3, 3] }, {}, { opsets: [7, 9, 10, 11, 22] }],
    "with a bias": [{ x: [2, 3, 5, 4], w: [3, 4, 2, 2], b: [4] }, { strides: [2, 2] }],
    strides: [{ x: [2, 3, 5, 4], w: [3, 4, 3, 3] }, { strides: [2, 3] }],
    "kernel 4, stride 2, pad 1": [
      { x: [2, 3, 5, 4], w: [3, 2, 4, 4] },
      { strides: [2, 2], pads: [1, 1, 1, 1] },
    ],
    "asymmetric pads": [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 4] },
      { strides: [2, 2], pads: [0, 2, 1, 1] },
    ],
    output_padding: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 3] },
      { strides: [2, 3], pads: [1, 1, 1, 1], output_padding: [1, 2] },
    ],
    "output_padding beyond the windows": [
      { x: [2, 3, 5, 4], w: [3, 4, 1, 1] },
      { strides: [2, 3], output_padding: [1, 2] },
    ],
    dilations: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 2] },
      { dilations: [2, 3], strides: [2, 1] },
    ],
    groups: [
      { x: [2, 4, 5, 4], w: [4, 3, 3, 3], b: [6] },
      { group: 2, strides: [2, 2] },
    ],
    "depth-wise": [
      { x: [2, 4, 5, 4], w: [4, 1, 3, 3] },
      { group: 4, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    ],
    output_shape: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 3] },
      { strides: [2, 2], output_shape: [10, 8] },
    ],
    "output_shape with SAME_UPPER": [
      { x: [2, 3, 5, 4], w: [3, 4, 4, 3] },
      { strides: [2, 2], output_shape: [9, 8], auto_pad: "SAME_UPPER" },
    ],
    "output_shape with SAME_LOWER": [
      { x: [2, 3, 5, 4], w: [3, 4, 4, 3] },
      { strides: [2, 2], output_shape: [9, 8], auto_pad: "SAME_LOWER" },
    ],
    "output_shape beyond the windows": [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 3] },
      { strides: [2, 3], output_shape: [12, 13] },
    ],
    "output_shape with output_padding": [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 3] },
      { strides: [2, 2], output_shape: [10, 8], output_padding: [1, 1] },
    ],
    SAME_UPPER: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 4] },
      { strides: [2, 2], auto_pad: "SAME_UPPER" },
    ],
    SAME_LOWER: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 4] },
      { strides: [2, 2], auto_pad: "SAME_LOWER" },
    ],
    "SAME_UPPER, kernel below the stride": [
      { x: [2, 3, 5, 4], w: [3, 4, 1, 2] },
      { strides: [2, 3], auto_pad: "SAME_UPPER" },
    ],
    VALID: [
      { x: [2, 3, 5, 4], w: [3, 4, 3, 2] },
      { strides: [2, 1], auto_pad: "VALID" },
    ],
    "1-D": [
      { x: [2, 3, 5], w: [3, 4, 4] },
      { strides: [2], pads: [1, 1] },
    ],
    "3-D": [{ x: [2, 3, 3, 4, 2], w: [3, 2, 2, 3, 2] }, { strides: [2, 1, 2] }],
    "half precision": [{ x: [2, 3, 5, 4], w: [3, 4, 3, 3] }, { strides: [2, 2] }, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);
