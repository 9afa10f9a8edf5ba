import { DataType, float } from "../../src/onnx/proto.ts";
import { type Attributes, fed, floats, type Sources } from "../models.ts";
import { checkRule, type Options, offKinks, type Row } from "./rules.ts";

const x = { x: [2, 3, 4, 5] };
const smooth: Options = { free: ["x"] };
/** Linear on both sides of a kink, so a step that does not cross it is exact. */
const kinked: Options = { free: ["x"], values: offKinks, most: 1e-3 };
const half: Options = { as: DataType.FLOAT16, step: 0.03, most: 3e-2 };

checkRule(
  "Relu",
  { ...kinked, opsets: [7, 9, 13, 14] },
  {
    plain: [x],
    "half precision": [x, {}, half],
    "double precision": [x, {}, { as: DataType.DOUBLE }],
  },
);

checkRule(
  "Clip",
  { ...kinked, opsets: [7, 9, 10] },
  {
    "0 to 6": [x, { min: float(0), max: float(6) }],
    "-1 to 1": [x, { min: float(-1), max: float(1) }],
    "from -0.5": [x, { min: float(-0.5) }],
    "to 0.5": [x, { max: float(0.5) }],
    "without bounds": [x],
  },
);
checkRule(
  "Clip",
  { ...kinked, opsets: [11, 12, 13] },
  {
    "0 to 6": [{ ...x, min: floats(0), max: floats(6) }],
    "-1 to 1": [{ ...x, min: floats(-1), max: floats(1) }],
    "from -0.5": [{ ...x, min: floats(-0.5) }],
    "to 0.5": [{ ...x, min: undefined, max: floats(0.5) }],
    "without bounds": [x],
    "bounds that are inputs": [{ ...x, min: fed(floats(-1)), max: fed(floats(0.5)) }],
    "half precision": [{ ...x, min: floats(-1), max: floats(1) }, {}, half],
  },
);

checkRule(
  "LeakyRelu",
  { ...kinked, opsets: [7, 16] },
  {
    default: [x],
    "alpha 0.3": [x, { alpha: float(0.3) }],
  },
);
checkRule(
  "PRelu",
  { ...kinked, opsets: [7, 9, 16] },
  {
    "slope of each channel": [{ ...x, slope: [3, 1, 1] }],
    "one slope": [{ ...x, slope: [1] }],
    "slope of each element": [{ ...x, slope: [3, 4, 5] }],
    "slope of the last axis": [{ ...x, slope: [5] }],
  },
);
checkRule(
  "ThresholdedRelu",
  { ...kinked, opsets: [10, 22] },
  {
    default: [x],
    "alpha 0.5": [x, { alpha: float(0.5) }],
  },
);
checkRule(
  "HardSigmoid",
  { ...kinked, opsets: [7, 22] },
  {
    "alpha 0.5": [x, { alpha: float(0.5), beta: float(0.5) }],
    "alpha 1": [x, { alpha: float(1), beta: float(0.25) }],
  },
);
checkRule("HardSigmoid", { ...smooth, opsets: [7], values: (v) => v.map((a) => a * 0.6) }, { "default, inside": [x] });
// The only kinks of HardSwish are at -3 and 3.
checkRule("HardSwish", { ...smooth, opsets: [14, 22], values: (v) => offKinks(v.map((a) => 2 * a)) }, { plain: [x] });

const shared: readonly [string, readonly number[], Record<string, Attributes>][] = [
  ["Elu", [7, 22], { default: {}, "alpha 0.5": { alpha: float(0.5) } }],
  ["Selu", [7, 22], { default: {}, "own constants": { alpha: float(1.5), gamma: float(1.2) } }],
  ["Celu", [12], { default: {}, "alpha 0.5": { alpha: float(0.5) } }],
  ["Sigmoid", [7, 13], { plain: {} }],
  ["Softplus", [7, 22], { plain: {} }],
  ["Softsign", [7, 22], { plain: {} }],
  ["Tanh", [7, 13], { plain: {} }],
  ["Mish", [18, 22], { plain: {} }],
  ["Erf", [9, 13], { plain: {} }],
  ["Gelu", [20], { exact: {}, "by tanh": { approximate: "tanh" } }],
  ["Swish", [24], { default: {}, "alpha 1.7": { alpha: float(1.7) } }],
];
for (const [opType, opsets, forms] of shared) {
  const rows = Object.entries(forms).map(([title, attributes]): [string, Row] => [title, [x, attributes]]);
  checkRule(opType, { ...smooth, opsets, values: offKinks }, Object.fromEntries(rows));
}
checkRule("Sigmoid", { ...smooth, ...half, opsets: [9, 13] }, { "half precision": [x] });

// Before operator set 13 all axes from `axis` on are normalised together.
const normalised: Record<string, readonly [Sources, Attributes?]> = {
  default: [x],
  "axis 1": [x, { axis: 1 }],
  "axis 2": [x, { axis: 2 }],
  "axis -1": [x, { axis: -1 }],
  matrix: [{ x: [3, 7] }],
};
for (const opType of ["Softmax", "LogSoftmax"]) {
  checkRule(
    opType,
    { ...smooth, opsets: [7, 9, 11, 13] },
    { ...normalised, vector: [{ x: [6] }, { axis: 0 }, { free: [] }] },
  );
  checkRule(opType, { ...smooth, ...half, opsets: [11, 13] }, { "half precision": [{ x: [3, 7] }] });
}

checkRule(
  "Shrink",
  { ...kinked, opsets: [9] },
  {
    default: [x],
    "lambd 1, bias 1/4": [x, { lambd: float(1), bias: float(0.25) }],
  },
);
