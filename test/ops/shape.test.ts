import { DataType } from "../../src/onnx/proto.ts";
import { fed, ints } from "../models.ts";
import { checkRule, type Options } from "./rules.ts";

const x = { x: [2, 3, 4, 5] };
const linear: Options = { linear: true, free: ["x"] };

checkRule(
  "Transpose",
  { ...linear, opsets: [7, 13, 21] },
  {
    "channels last": [x, { perm: [0, 2, 3, 1] }],
    default: [x],
    "a cycle": [x, { perm: [2, 0, 3, 1] }],
    "half precision": [x, { perm: [0, 2, 3, 1] }, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);

checkRule(
  "Reshape",
  { ...linear, opsets: [7, 13, 14, 21] },
  {
    "to a shape": [{ ...x, shape: ints([6, 20]) }, {}, { free: [] }],
    "0 and -1": [{ ...x, shape: ints([0, -1]) }],
    "-1 in front": [{ ...x, shape: ints([-1, 12, 5]) }],
    "0 inside": [{ ...x, shape: ints([-1, 0, 2, 10]) }],
    "a fed shape": [{ ...x, shape: fed(ints([2, 60])) }, {}, { opsets: [7, 13], refuses: "cannot tell the shape" }],
  },
);
checkRule("Reshape", { ...linear, opsets: [14, 21] }, { "a fed shape": [{ ...x, shape: fed(ints([2, 60])) }] });
checkRule(
  "Flatten",
  { ...linear, opsets: [7, 9, 11, 13] },
  {
    default: [x],
    "axis 0": [x, { axis: 0 }],
    "axis 2": [x, { axis: 2 }],
    "axis 4": [x, { axis: 4 }],
  },
);
checkRule("Flatten", { ...linear, opsets: [11, 13] }, { "axis -1": [x, { axis: -1 }] });

const ones = { x: [2, 1, 4, 1] };
checkRule(
  "Squeeze",
  { ...linear, opsets: [7, 11] },
  {
    "one axis": [ones, { axes: [1] }],
    "two axes": [ones, { axes: [1, 3] }],
    all: [{ x: [1, 3, 1] }, {}, { free: [] }],
  },
);
checkRule(
  "Squeeze",
  { ...linear, opsets: [13, 21] },
  {
    "one axis": [{ ...ones, axes: ints([1]) }],
    "negative axes": [{ ...ones, axes: ints([-1, -3]) }],
    all: [{ x: [1, 3, 1] }, {}, { free: [] }],
  },
);
checkRule(
  "Unsqueeze",
  { ...linear, opsets: [7, 11] },
  {
    "in front": [x, { axes: [0] }],
    "two axes": [x, { axes: [1, 5] }],
  },
);
checkRule(
  "Unsqueeze",
  { ...linear, opsets: [13, 21] },
  {
    "in front": [{ ...x, axes: ints([0]) }],
    "negative axes": [{ ...x, axes: ints([-1, 1]) }],
  },
);

checkRule(
  "Expand",
  { opsets: [8, 13], linear: true },
  {
    "one axis": [{ x: [2, 1, 4], shape: ints([1, 3, 4]) }, {}, { free: ["x"] }],
    "more axes": [{ x: [3, 1], shape: ints([2, 3, 4]) }],
    "a shape that gives way": [{ x: [2, 3, 1], shape: ints([1, 1, 4]) }, {}, { free: ["x"] }],
    "a fed shape": [{ x: [3, 1], shape: fed(ints([2, 3, 4])) }],
    "a scalar": [{ x: [], shape: ints([2, 3]) }],
  },
);
