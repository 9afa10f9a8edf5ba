import { DataType } from "../../src/onnx/proto.ts";
import { bools, fed, floats, int32s, ints, type Values } from "../models.ts";
import { apart, checkRule, type Options, offKinks, positives } from "./rules.ts";

const x = { x: [2, 3, 4] };
const batch: Options = { free: ["x"] };

for (const opType of ["Add", "Sub", "Mul"])
  checkRule(
    opType,
    { opsets: [7, 13, 14], linear: true, free: ["a"] },
    {
      "same shape": [{ a: [2, 3, 4], b: [2, 3, 4] }, {}, { free: ["a", "b"] }],
      "b is repeated": [{ a: [2, 3, 4], b: [4] }],
      "b is repeated in the middle": [{ a: [2, 3, 4], b: [3, 1] }],
      "b is repeated over the batch": [{ a: [2, 3, 4], b: [1, 3, 4] }],
      "b is a scalar": [{ a: [2, 3, 4], b: [] }],
      "b is one number": [{ a: [2, 3, 4], b: [1] }],
      "a is repeated": [{ a: [4], b: [2, 3, 4] }, {}, { free: ["b"] }],
      "both are repeated": [{ a: [2, 1, 4], b: [3, 1] }],
      "half precision": [{ a: [2, 3, 4], b: [3, 1] }, {}, { as: DataType.FLOAT16, most: 1e-2 }],
      "double precision": [{ a: [2, 3, 4], b: [3, 1] }, {}, { as: DataType.DOUBLE }],
    },
  );

const awayFromZero: Values = (v) => v.map((a) => a + Math.sign(a));
checkRule(
  "Div",
  { opsets: [7, 13, 14], free: ["a"], values: awayFromZero },
  {
    "same shape": [{ a: [2, 3, 4], b: [2, 3, 4] }, {}, { free: ["a", "b"] }],
    "b is repeated": [{ a: [2, 3, 4], b: [3, 1] }],
    "a is repeated": [{ a: [4], b: [2, 3, 4] }, {}, { free: ["b"] }],
    "a is a constant": [{ one: floats(1), a: [2, 3, 4] }],
  },
);

checkRule(
  "Pow",
  { opsets: [7, 12, 13], free: ["x"] },
  {
    square: [{ ...x, n: floats(2) }],
    cube: [{ ...x, n: floats([3]) }],
    "fourth power": [{ ...x, n: floats(4) }],
    "zeroth power": [{ ...x, n: floats(0) }],
    "first power": [{ ...x, n: floats(1) }],
    "zeroth power at 0": [{ ...x, n: floats(0) }, {}, { values: (v) => v.map(() => 0) }],
    "first power at 0": [{ ...x, n: floats(1) }, {}, { values: (v) => v.map(() => 0) }],
    root: [{ ...x, n: floats(0.5) }, {}, { values: positives }],
    inverse: [{ ...x, n: floats(-1) }, {}, { values: awayFromZero }],
    "exponents of the last axis": [{ ...x, n: floats([1, 2, 3, 0]) }],
    "fed exponents": [{ ...x, n: [4] }, {}, { values: positives }],
    "a repeated base": [{ a: [3, 1], n: [2, 3, 4] }, {}, { values: positives, free: ["n"] }],
  },
);
checkRule(
  "Pow",
  { opsets: [12, 15], free: ["x"] },
  {
    "int64 exponent": [{ ...x, n: ints(3) }],
    "int32 exponents": [{ ...x, n: int32s([1, 2, 3, 4]) }],
  },
);

for (const opType of ["Max", "Min"])
  checkRule(
    opType,
    { opsets: [8, 12, 13], values: apart, most: 1e-3, free: ["a"] },
    {
      one: [{ a: [2, 3, 4] }],
      // Halves of each other's grid: no two are ever closer than a step.
      two: [{ a: [2, 3, 4], b: fed(floats([0.03, -1.03, 0.53, 1.03])) }],
      "two, repeated both ways": [{ a: [2, 1, 4], b: fed(floats([0.03, -0.28], [2, 1])) }],
      three: [{ a: [2, 3, 4], b: fed(floats([0.53])), c: fed(floats([-0.47, 0.03, 1.03], [3, 1])) }],
    },
  );
for (const opType of ["Sum", "Mean"])
  checkRule(
    opType,
    { opsets: [8, 13], linear: true, free: ["a"] },
    {
      one: [{ a: [2, 3, 4] }],
      two: [{ a: [2, 3, 4], b: [3, 1] }],
      three: [{ a: [2, 1, 4], b: [3, 1], c: [] }],
    },
  );

const condition = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1];
checkRule(
  "Where",
  { opsets: [9, 16], linear: true, free: ["a"] },
  {
    "same shape": [{ condition: bools(condition, [3, 4]), a: [2, 3, 4], b: [3, 4] }],
    "a scalar beside": [{ condition: bools(condition, [3, 4]), a: [2, 3, 4], b: [] }],
    "repeated condition": [{ condition: bools([1, 0, 1], [3, 1]), a: [2, 3, 4], b: [4] }],
    "condition larger than both": [{ condition: fed(bools(condition, [3, 4])), a: [2, 1, 1], b: [] }],
  },
);

checkRule(
  "Mod",
  { opsets: [10, 13], values: (v) => v.map((a) => Math.floor(a * 4) + 0.37), most: 1e-3 },
  {
    fmod: [{ a: [2, 3, 4], b: fed(floats([2, 3, -2, 5])) }, { fmod: 1 }],
  },
);

const unary: Record<string, readonly number[]> = {
  Neg: [7, 13],
  Exp: [7, 13],
  Sin: [7, 22],
  Cos: [7, 22],
  Atan: [7, 22],
  Sinh: [9, 22],
  Cosh: [9, 22],
  Asinh: [9, 22],
  Identity: [7, 13, 16, 19],
};
for (const [opType, opsets] of Object.entries(unary))
  checkRule(opType, { ...batch, opsets, values: (v) => v.map((a) => a / 2) }, { plain: [x] });
checkRule("Abs", { ...batch, opsets: [7, 13], values: offKinks, most: 1e-3 }, { plain: [x] });
for (const opType of ["Sqrt", "Log", "Reciprocal"])
  checkRule(opType, { ...batch, opsets: [7, 13], values: positives }, { plain: [x] });
for (const opType of ["Asin", "Acos"])
  checkRule(opType, { ...batch, opsets: [7, 22], values: (v) => v.map((a) => Math.tanh(a) * 0.8) }, { plain: [x] });
checkRule("Tan", { ...batch, opsets: [7, 22], values: (v) => v.map((a) => Math.tanh(a)) }, { plain: [x] });
checkRule("Atanh", { ...batch, opsets: [9, 22], values: (v) => v.map((a) => Math.tanh(a) * 0.8) }, { plain: [x] });
checkRule("Acosh", { ...batch, opsets: [9, 22], values: (v) => v.map((a) => Math.abs(a) + 1.5) }, { plain: [x] });

checkRule(
  "Cast",
  { ...batch, opsets: [7, 9, 13, 19], linear: true },
  {
    "to the same type": [x, { to: DataType.FLOAT }],
    "from float16": [x, { to: DataType.FLOAT }, { as: DataType.FLOAT16, most: 1e-2 }],
    "from float64": [x, { to: DataType.FLOAT }, { as: DataType.DOUBLE }],
  },
);

checkRule("CastLike", { ...batch, opsets: [15, 19], linear: true, wrt: ["x"] }, { plain: [{ ...x, like: floats(0) }] });

checkRule("Dropout", { ...batch, opsets: [7, 10], linear: true }, { plain: [x] });
checkRule(
  "Dropout",
  { ...batch, opsets: [12, 13, 22], linear: true },
  {
    plain: [x],
    "a ratio": [{ ...x, ratio: floats(0.5) }],
    "a ratio and the mode": [{ ...x, ratio: floats(0.5), training: bools(0) }],
  },
);
