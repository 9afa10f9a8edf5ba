import { bools, fed, ints } from "../models.ts";
import { apart, checkRule, type Options } from "./rules.ts";

const x = { x: [3, 4] };
const linear: Options = { linear: true };
const elements = { ...x, indices: ints([0, 2, 1, 0], [2, 2]), updates: [2, 2] };

checkRule("ScatterElements", linear, {
  rows: [elements, {}, { opsets: [11, 13, 16, 18] }],
  columns: [elements, { axis: 1 }, { opsets: [11, 18] }],
  "negative axis and indices": [{ ...elements, indices: ints([-1, 0, 1, -2], [2, 2]) }, { axis: -1 }, { opsets: [11] }],
  "free batch": [
    { ...elements, indices: fed(ints([0, 2, 1, 0, 3, 2], [3, 2])), updates: [3, 2] },
    { axis: 1 },
    { free: ["x", "indices", "updates"] },
  ],
  add: [{ ...elements, indices: ints([0, 2, 0, 2], [2, 2]) }, { reduction: "add" }, { opsets: [16, 18] }],
});
const repeats = { ...x, indices: ints([0, 2, 0, 2], [2, 2]), updates: [2, 2] };
checkRule(
  "ScatterElements",
  {},
  {
    mul: [repeats, { reduction: "mul" }, { opsets: [16, 18] }],
    max: [repeats, { reduction: "max" }, { opsets: [18], values: apart }],
    min: [repeats, { reduction: "min", axis: 1 }, { opsets: [18], values: apart }],
    "mul, a factor of zero": [
      repeats,
      { reduction: "mul" },
      { opsets: [18], values: (normal) => normal.map((v, i) => (i === 2 ? 0 : v)) },
    ],
  },
);
checkRule("Scatter", { ...linear, wrt: ["x"] }, { rows: [elements, {}, { opsets: [9, 10] }] });

const places = { ...x, indices: ints([2, 0], [2, 1]), updates: [2, 4] };
checkRule("ScatterND", linear, {
  rows: [places, {}, { opsets: [11, 13, 16, 18] }],
  elements: [{ ...x, indices: ints([0, 1, 2, 3, -1, 0], [3, 2]), updates: [3] }, {}, { opsets: [11, 18] }],
  blocks: [{ x: [2, 3, 4], indices: ints([1, 0, 0, 2], [2, 1, 2]), updates: [2, 1, 4] }, {}, { opsets: [13] }],
  add: [{ ...places, indices: ints([2, 2], [2, 1]) }, { reduction: "add" }, { opsets: [16, 18] }],
});
checkRule(
  "ScatterND",
  {},
  {
    mul: [{ ...places, indices: ints([2, 2], [2, 1]) }, { reduction: "mul" }, { opsets: [16, 18] }],
    max: [{ ...places, indices: ints([2, 2], [2, 1]) }, { reduction: "max" }, { opsets: [18], values: apart }],
    min: [{ ...places, indices: ints([2, 2], [2, 1]) }, { reduction: "min" }, { opsets: [18], values: apart }],
  },
);

checkRule(
  "TopK",
  { ...linear, values: (normal) => apart(normal).map((v) => v * 64), opsets: [10, 11, 24], beside: 1 },
  {
    "the last axis": [{ x: [3, 5], k: ints([2]) }, {}, { free: ["x"] }],
    "the first axis": [{ x: [3, 5], k: ints([2]) }, { axis: 0 }],
    smallest: [{ x: [3, 5], k: ints([3]) }, { largest: 0, axis: 1 }, { opsets: [11, 24] }],
  },
);

checkRule(
  "Compress",
  { ...linear, opsets: [11] },
  {
    slices: [{ x: [3, 4], c: bools([1, 0, 1]) }, { axis: 0 }],
    columns: [{ x: [3, 4], c: bools([0, 1, 1, 0]) }, { axis: -1 }, { opsets: [11], free: ["x"] }],
    elements: [{ x: [2, 3], c: bools([0, 1, 1, 0, 1, 0]) }],
  },
);
checkRule(
  "ReverseSequence",
  { ...linear, opsets: [10] },
  {
    "time first": [{ x: [4, 3, 2], lens: ints([4, 2, 1]) }],
    "batch first": [
      { x: [3, 4, 2], lens: ints([4, 2, 1]) },
      { batch_axis: 0, time_axis: 1 },
    ],
  },
);
checkRule(
  "GatherND",
  { ...linear, opsets: [12, 16] },
  {
    "batch_dims 1": [{ x: [2, 3, 4], i: ints([1, 0], [2, 1]) }, { batch_dims: 1 }],
    "batch_dims 2": [{ x: [2, 3, 4], i: ints([1, 0, 2, 3, 0, 0], [2, 3, 1]) }, { batch_dims: 2 }],
  },
);
checkRule(
  "MaxUnpool",
  { ...linear, opsets: [9, 11] },
  {
    plain: [
      { x: [1, 1, 2, 2], i: ints([5, 7, 13, 15], [1, 1, 2, 2]) },
      { kernel_shape: [2, 2], strides: [2, 2] },
    ],
  },
);
checkRule(
  "Col2Im",
  { ...linear, opsets: [18] },
  {
    tiles: [{ x: [1, 5, 5], image: ints([5, 5]), block: ints([1, 5]) }],
    overlap: [{ x: [2, 8, 9], image: ints([4, 4]), block: ints([2, 2]) }, {}, { free: ["x"] }],
    "strides, pads, dilations": [
      { x: [1, 8, 6], image: ints([5, 6]), block: ints([2, 2]) },
      { strides: [2, 2], pads: [0, 1, 1, 0], dilations: [2, 2] },
    ],
    "3-D": [{ x: [1, 8, 8], image: ints([3, 3, 3]), block: ints([2, 2, 2]) }],
  },
);
checkRule(
  "CenterCropPad",
  { ...linear, opsets: [18] },
  {
    crop: [{ x: [5, 6], shape: ints([2, 4]) }],
    pad: [{ x: [2, 3], shape: ints([5, 5]) }],
    both: [{ x: [5, 2], shape: ints([4, 7]) }],
    "some axes": [{ x: [2, 5, 4], shape: ints([8]) }, { axes: [-2] }, { free: ["x"] }],
  },
);
// Equal elements move apart with a step; without them it is a sort.
checkRule(
  "Unique",
  { ...linear, step: 1e-2, values: apart, opsets: [11] },
  {
    sorted: [{ x: [3, 4] }],
    "as they come": [{ x: [3, 4] }, { sorted: 0 }],
    "slices along an axis": [{ x: [3, 4] }, { axis: 1 }],
    "slices, negative axis": [{ x: [2, 3, 2] }, { axis: -2, sorted: 0 }],
  },
);
checkRule(
  "TensorScatter",
  { ...linear, opsets: [24] },
  {
    "from the start": [{ past: [2, 3, 5, 4], update: [2, 3, 2, 4] }],
    "from an index each": [{ past: [2, 3, 5, 4], update: [2, 3, 2, 4], at: ints([1, 3]) }],
    "another axis": [{ past: [2, 5, 3], update: [2, 1, 3], at: ints([4, 0]) }, { axis: 1 }],
    circular: [{ past: [2, 3, 5, 4], update: [2, 3, 2, 4], at: ints([4, 2]) }, { mode: "circular" }, {}],
  },
);
