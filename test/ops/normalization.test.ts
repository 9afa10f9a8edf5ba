import { DataType, float } from "../../src/onnx/proto.ts";
import { floats } from "../models.ts";
import { checkRule } from "./rules.ts";

const x = [2, 4, 3, 5];
const statistics = { mean: floats([0.1, -0.2, 0.3, 0.4]), variance: floats([0.5, 1.5, 2, 0.1]) };

checkRule(
  "BatchNormalization",
  { opsets: [7, 9, 14, 15], linear: true, free: ["x"] },
  {
    "2-D": [{ x, scale: [4], bias: [4], ...statistics }],
    "1-D, epsilon": [{ x: [2, 4, 6], scale: [4], bias: [4], ...statistics }, { epsilon: float(0.1) }],
    "3-D": [{ x: [2, 4, 2, 3, 2], scale: [4], bias: [4], ...statistics }],
    "no space": [{ x: [3, 4], scale: [4], bias: [4], ...statistics }],
    "half precision": [
      { x, scale: [4], bias: [4], ...statistics },
      {},
      { opsets: [9, 15], as: DataType.FLOAT16, most: 1e-2 },
    ],
  },
);

checkRule(
  "InstanceNormalization",
  { opsets: [7, 22], free: ["x"] },
  {
    "2-D": [{ x, scale: [4], bias: [4] }],
    "1-D, epsilon": [{ x: [2, 4, 6], scale: [4], bias: [4] }, { epsilon: float(0.1) }],
    "3-D": [{ x: [2, 4, 2, 3, 2], scale: [4], bias: [4] }],
  },
);

checkRule(
  "LayerNormalization",
  { opsets: [17, 18], free: ["x"] },
  {
    "the last axis": [{ x, scale: [5], bias: [5] }],
    "axis 1": [{ x, scale: [4, 3, 5], bias: [4, 3, 5] }, { axis: 1 }],
    "axis -2": [
      { x, scale: [3, 5], bias: [3, 5] },
      { axis: -2, epsilon: float(0.1) },
    ],
    "no bias": [{ x: [2, 3, 6], scale: [6] }],
    "one scale": [{ x: [2, 3, 6], scale: [1] }],
    "half precision": [{ x: [2, 3, 6], scale: [6], bias: [6] }, {}, { as: DataType.FLOAT16, step: 0.1, most: 3e-2 }],
  },
);

checkRule(
  "LayerNormalization",
  { opsets: [17], free: ["x"], outputs: 3 },
  {
    "mean and deviation": [{ x: [2, 3, 6], scale: [6] }],
    "mean and deviation, axis 1": [{ x, scale: [4, 3, 5], bias: [4, 3, 5] }, { axis: 1 }],
  },
);

checkRule(
  "GroupNormalization",
  { opsets: [18], free: ["x"] },
  {
    "two groups": [{ x, scale: [2], bias: [2] }, { num_groups: 2 }],
    "one group": [
      { x, scale: [1], bias: [1] },
      { num_groups: 1, epsilon: float(0.1) },
    ],
    "1-D": [{ x: [2, 6, 5], scale: [3], bias: [3] }, { num_groups: 3 }],
  },
);
checkRule(
  "GroupNormalization",
  { opsets: [21], free: ["x"] },
  {
    "two groups": [{ x, scale: [4], bias: [4] }, { num_groups: 2 }],
    "one group": [
      { x, scale: [4], bias: [4] },
      { num_groups: 1, epsilon: float(0.1) },
    ],
    "as many groups as channels": [{ x, scale: [4], bias: [4] }, { num_groups: 4 }],
    "1-D": [{ x: [2, 6, 5], scale: [6], bias: [6] }, { num_groups: 3 }],
  },
);

checkRule(
  "RMSNormalization",
  { opsets: [23], free: ["x"] },
  {
    "the last axis": [{ x, scale: [5] }],
    "axis 1": [{ x, scale: [4, 3, 5] }, { axis: 1 }],
    "axis -2": [
      { x, scale: [3, 5] },
      { axis: -2, epsilon: float(0.1) },
    ],
  },
);

checkRule(
  "LpNormalization",
  { opsets: [7, 22], free: ["x"] },
  {
    default: [{ x }],
    "axis 1": [{ x }, { axis: 1 }],
    "p = 1": [{ x }, { p: 1 }, { values: (v) => v.map((a) => a + Math.sign(a) / 4) }],
    "p = 1, axis 1": [{ x }, { p: 1, axis: 1 }, { values: (v) => v.map((a) => a + Math.sign(a) / 4) }],
  },
);

checkRule(
  "MeanVarianceNormalization",
  { opsets: [9, 13], free: ["x"] },
  {
    default: [{ x }],
    "over space": [{ x }, { axes: [2, 3] }],
  },
);
