import { DataType, float } from "../../src/onnx/proto.ts";
import { checkRule, type Row } from "./rules.ts";

const transposed = [0, 1].flatMap((transA) => [0, 1].map((transB) => ({ transA, transB })));
const products = transposed.map(({ transA, transB }): [string, Row] => {
  const inputs = { a: transA ? [4, 3] : [3, 4], b: transB ? [5, 4] : [4, 5], c: [5] };
  const attributes = { transA, transB, alpha: float(0.5), beta: float(2) };
  return [`A${transA ? "'" : ""} B${transB ? "'" : ""}`, [inputs, attributes, { free: transA ? [] : ["a"] }]];
});

checkRule(
  "Gemm",
  { opsets: [7, 9, 11, 13], linear: true, free: ["a"] },
  {
    ...Object.fromEntries(products),
    defaults: [{ a: [3, 4], b: [4, 5], c: [5] }],
    "C is a matrix": [{ a: [3, 4], b: [4, 5], c: [3, 5] }, { beta: float(0.3) }, { free: ["a", "c"] }],
    "C is a column": [{ a: [3, 4], b: [4, 5], c: [3, 1] }, {}, { free: ["a", "c"] }],
    "C is a row": [{ a: [3, 4], b: [4, 5], c: [1, 5] }],
    "C is one number": [{ a: [3, 4], b: [4, 5], c: [1] }],
    "C is a scalar": [{ a: [3, 4], b: [4, 5], c: [] }],
  },
);
checkRule(
  "Gemm",
  { opsets: [11, 13], linear: true, free: ["a"] },
  {
    "no C": [{ a: [3, 4], b: [5, 4] }, { transB: 1 }],
    "half precision": [{ a: [3, 4], b: [5, 4], c: [5] }, { transB: 1 }, { as: DataType.FLOAT16, most: 1e-2 }],
    "double precision": [{ a: [3, 4], b: [5, 4], c: [5] }, { transB: 1 }, { as: DataType.DOUBLE }],
  },
);

checkRule(
  "MatMul",
  { opsets: [7, 9, 13], linear: true, free: ["a"] },
  {
    matrices: [{ a: [3, 4], b: [4, 5] }],
    batched: [{ a: [2, 3, 4], b: [2, 4, 5] }, {}, { free: ["a", "b"] }],
    "batched, in four dimensions": [{ a: [2, 3, 4, 5], b: [2, 3, 5, 2] }, {}, { free: ["a", "b"] }],
    "batch times matrix": [{ a: [2, 3, 4], b: [4, 5] }],
    "matrix times batch": [{ a: [3, 4], b: [2, 4, 5] }, {}, { free: ["b"] }],
    "both batches broadcast": [{ a: [2, 1, 3, 4], b: [6, 4, 5] }],
    "a batch of one": [{ a: [1, 3, 4], b: [2, 4, 5] }, {}, { free: ["b"] }],
    "vector times matrix": [{ a: [4], b: [4, 5] }, {}, { free: [] }],
    "matrix times vector": [{ a: [3, 4], b: [4] }],
    "vector times vector": [{ a: [4], b: [4] }, {}, { free: [] }],
    "vector times batch": [{ a: [4], b: [2, 4, 5] }, {}, { free: ["b"] }],
    "batch times vector": [{ a: [2, 3, 4], b: [4] }],
    "half precision": [{ a: [2, 3, 4], b: [4, 5] }, {}, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);
