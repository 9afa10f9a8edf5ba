import { DataType, float } from "../../src/onnx/proto.ts";
import { fed, floats, int32s, ints } from "../models.ts";
import { checkRule, type Options } from "./rules.ts";

const x = { x: [2, 3, 4, 5] };
const linear: Options = { linear: true, free: ["x"] };

checkRule(
  "Concat",
  { linear: true, opsets: [7, 11, 13] },
  {
    channels: [{ a: [2, 3, 4], b: [2, 1, 4], c: [2, 2, 4] }, { axis: 1 }, { free: ["a", "b", "c"] }],
    "the last axis": [{ a: [2, 3, 4], b: [2, 3, 2] }, { axis: 2 }, { free: ["a", "b"] }],
    "the batch": [{ a: [2, 3], b: [1, 3] }, { axis: 0 }],
    one: [{ a: [2, 3] }, { axis: 1 }],
    "half precision": [{ a: [2, 3, 4], b: [2, 1, 4] }, { axis: 1 }, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);
checkRule(
  "Concat",
  { linear: true, opsets: [11, 13] },
  {
    "negative axis": [{ a: [2, 3, 4], b: [2, 3, 2] }, { axis: -1 }, { free: ["a", "b"] }],
  },
);
checkRule(
  "Concat",
  { linear: true, opsets: [13], free: ["a"] },
  { "a free batch": [{ a: [2, 3], b: [1, 3] }, { axis: 0 }] },
);

checkRule(
  "Split",
  { ...linear, opsets: [7, 11] },
  {
    equal: [{ x: [2, 6, 3] }, { axis: 1 }, { outputs: 3 }],
    "given sizes": [{ x: [2, 6, 3] }, { axis: 1, split: [1, 3, 2] }, { outputs: 3 }],
  },
);
checkRule(
  "Split",
  { ...linear, opsets: [13] },
  {
    equal: [{ x: [2, 6, 3] }, { axis: 1 }, { outputs: 3 }],
    "given sizes": [{ x: [2, 6, 3], split: ints([1, 3, 2]) }, { axis: -2 }, { outputs: 3 }],
  },
);
checkRule(
  "Split",
  { ...linear, opsets: [18] },
  {
    equal: [{ x: [2, 6, 3] }, { axis: 1, num_outputs: 3 }, { outputs: 3 }],
    "a smaller last": [{ x: [2, 7, 3] }, { axis: 1, num_outputs: 3 }, { outputs: 3 }],
  },
);

checkRule(
  "Slice",
  { ...linear, opsets: [7, 9] },
  {
    "one axis": [x, { axes: [2], starts: [1], ends: [3] }],
    "two axes, negative": [x, { axes: [1, 3], starts: [-2, 1], ends: [100, -1] }],
    "no axes": [x, { starts: [0, 1], ends: [2, 3] }, { free: [] }],
    "the batch": [x, { axes: [0], starts: [1], ends: [2] }],
    "all of the batch": [x, { axes: [0, 2], starts: [0, 1], ends: [2 ** 31 - 1, 3] }],
  },
);
checkRule(
  "Slice",
  { ...linear, opsets: [10, 11, 13] },
  {
    "one axis": [{ ...x, starts: ints([1]), ends: ints([3]), axes: ints([2]) }],
    int32: [{ ...x, starts: int32s([1]), ends: int32s([3]), axes: int32s([2]) }],
    "two axes, negative": [{ ...x, starts: ints([-2, 1]), ends: ints([100, -1]), axes: ints([1, -1]) }],
    "no axes": [{ ...x, starts: ints([0, 1]), ends: ints([2, 3]) }, {}, { free: [] }],
    "the batch": [{ ...x, starts: ints([1]), ends: ints([2]), axes: ints([0]) }],
    "all of the batch": [{ ...x, starts: ints([0, 1]), ends: ints([2 ** 31 - 1, 3]), axes: ints([0, 2]) }],
    "step 2": [{ ...x, starts: ints([1]), ends: ints([100]), axes: ints([3]), steps: ints([2]) }],
    "step -1": [{ ...x, starts: ints([-1]), ends: ints([-100]), axes: ints([2]), steps: ints([-1]) }],
    "steps of two axes": [{ ...x, starts: ints([3, 0]), ends: ints([0, 5]), axes: ints([2, 3]), steps: ints([-2, 3]) }],
    "fed starts": [{ ...x, starts: fed(ints([1])), ends: ints([3]), axes: ints([2]) }],
  },
);

checkRule(
  "Pad",
  { ...linear, opsets: [7, 10] },
  {
    constant: [x, { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: float(0.5) }],
    negative: [x, { pads: [0, 0, -1, 2, 0, 0, 1, -2] }],
    reflect: [x, { mode: "reflect", pads: [0, 0, 3, 2, 0, 0, 1, 4] }],
    edge: [x, { mode: "edge", pads: [0, 1, 3, 2, 0, 0, 1, 4] }],
  },
);
checkRule(
  "Pad",
  { ...linear, opsets: [11, 13, 18, 19] },
  {
    constant: [{ ...x, pads: ints([0, 0, 1, 2, 0, 0, 3, 0]), value: floats(0.5) }],
    "without a value": [{ ...x, pads: ints([0, 0, 1, 2, 0, 0, 3, 0]) }],
    negative: [{ ...x, pads: ints([0, 0, -1, 2, 0, 0, 1, -2]) }],
    reflect: [{ ...x, pads: ints([0, 0, 3, 2, 0, 0, 1, 4]) }, { mode: "reflect" }],
    edge: [{ ...x, pads: ints([0, 1, 3, 2, 0, 0, 1, 4]) }, { mode: "edge" }],
  },
);
checkRule(
  "Pad",
  { ...linear, opsets: [18, 21] },
  {
    "given axes": [{ ...x, pads: ints([1, 2, 3, 0]), value: undefined, axes: ints([-1, 1]) }],
    "reflect, given axes": [
      { ...x, pads: ints([1, 2, 3, 0]), value: undefined, axes: ints([3, 2]) },
      { mode: "reflect" },
    ],
  },
);
checkRule(
  "Pad",
  { ...linear, opsets: [19, 21] },
  {
    wrap: [{ ...x, pads: ints([0, 0, 3, 2, 0, 0, 1, 4]) }, { mode: "wrap" }],
  },
);

checkRule(
  "Gather",
  { ...linear, opsets: [7, 11, 13, 16] },
  {
    "a scalar": [{ ...x, at: ints(1) }, { axis: 1 }],
    "a list of one": [{ ...x, at: ints([2]) }, { axis: 2 }],
    "a negative scalar": [{ ...x, at: ints(-1) }, { axis: 3 }, { opsets: [11, 13, 16] }],
    "a row of the batch": [{ ...x, at: ints(1) }],
    "different places": [{ ...x, at: ints([3, 0, 1]) }, { axis: 2 }],
    "places in a matrix": [{ ...x, at: ints([3, 0, 1, 2], [2, 2]) }, { axis: 3 }],
    "repeated places": [{ ...x, at: ints([3, 0, 3, 3]) }, { axis: 2 }],
    "repeated, negative": [{ ...x, at: ints([-1, 0, 3, -2]) }, { axis: 2 }, { opsets: [11, 13, 16] }],
    "fed places": [{ ...x, at: fed(ints([3, 0, 3])) }, { axis: 2 }],
    "int32 places": [{ ...x, at: fed(int32s([3, 0, 3], [3, 1])) }, { axis: -2 }],
    "rows of a table": [{ x: [7, 3], at: fed(ints([1, 6, 1, 0, 2, 2], [2, 3])) }, {}, { free: ["at"] }],
  },
);

checkRule(
  "GatherElements",
  { ...linear, opsets: [11, 13, 16] },
  {
    "different places": [
      { x: [2, 3, 4], at: ints([3, 0, 1, 2, 1, 3, 0, 2, 3, 1, 2, 0], [2, 3, 2]) },
      { axis: 2 },
      { free: ["x", "at"] },
    ],
    "repeated, negative": [
      { x: [2, 4], at: fed(ints([0, 0, -1, 1, 3, 1], [2, 3])) },
      { axis: 1 },
      { free: ["x", "at"] },
    ],
    "the first axis": [{ x: [3, 2], at: fed(ints([0, 2, 0, 1], [2, 2])) }, {}, { free: [] }],
  },
);
checkRule(
  "GatherND",
  { ...linear, opsets: [11, 12, 13, 16] },
  {
    elements: [{ x: [2, 3, 4], at: ints([0, 1, 2, 1, 2, 3], [2, 3]) }],
    rows: [{ x: [2, 3, 4], at: ints([0, 1, 1, 2], [2, 2]) }],
    "repeated, fed": [{ x: [2, 3, 4], at: fed(ints([0, 1, 0, 1, 1, 2], [3, 2])) }],
  },
);
checkRule(
  "GatherND",
  { ...linear, opsets: [12, 16] },
  {
    "of a batch": [{ x: [2, 3, 4], at: ints([1, 0], [2, 1]) }, { batch_dims: 1 }, { free: [] }],
  },
);

checkRule(
  "Tile",
  { ...linear, opsets: [7, 13] },
  {
    "one axis": [{ x: [2, 3, 4], repeats: ints([1, 2, 1]) }],
    "all axes": [{ x: [2, 3, 4], repeats: ints([2, 3, 2]) }],
    once: [{ x: [2, 3, 4], repeats: ints([1, 1, 1]) }],
    "fed repeats": [{ x: [2, 3, 4], repeats: fed(ints([1, 2, 3])) }, {}, { opsets: [11, 13, 16] }],
  },
);

checkRule("SpaceToDepth", { ...linear, opsets: [7, 13] }, { "blocks of 2": [{ x: [2, 3, 4, 6] }, { blocksize: 2 }] });
checkRule(
  "DepthToSpace",
  { ...linear, opsets: [7, 11, 13] },
  {
    "blocks of 2": [{ x: [2, 12, 3, 2] }, { blocksize: 2 }],
    "blocks of 3": [{ x: [2, 18, 3, 2] }, { blocksize: 3 }],
  },
);
checkRule(
  "DepthToSpace",
  { ...linear, opsets: [11, 13] },
  {
    DCR: [{ x: [2, 12, 3, 2] }, { blocksize: 2, mode: "DCR" }],
    CRD: [{ x: [2, 12, 3, 2] }, { blocksize: 2, mode: "CRD" }],
  },
);

checkRule(
  "Trilu",
  { ...linear, opsets: [14] },
  {
    upper: [{ x: [2, 4, 5] }],
    lower: [{ x: [2, 4, 5] }, { upper: 0 }],
    "from another diagonal": [{ x: [2, 4, 5], k: ints(1) }],
    "lower, another diagonal": [{ x: [2, 5, 4], k: ints(-2) }, { upper: 0 }],
  },
);
