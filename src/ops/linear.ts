/** @file Matrix products. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { type Op, unbroadcast } from "./op.ts";
import { aligned } from "./rows.ts";

// y = alpha A' B' + beta C
export const Gemm: Op = {
  linear: [0, 1, 2],
  rows: ({ attributes, x: [, , bias] }, rows) =>
    rows.axis === 0 && attributes.int("transA", 0) === 0 && (bias?.dims?.length ?? 0) < 2 ? [rows] : undefined,
  vjp: ({ build, attributes, x: [a, b, bias], dy: [dy], needs }) => {
    const [transA, transB] = [attributes.int("transA", 0) !== 0, attributes.int("transB", 0) !== 0];
    const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
    const da = () =>
      transA ? build.gemm(b, dy, { transA: transB, transB: true }) : build.gemm(dy, b, { transB: !transB });
    const db = () =>
      transB ? build.gemm(dy, a, { transA: true, transB: transA }) : build.gemm(a, dy, { transA: !transA });
    return [
      needs[0] ? build.mul(da(), alpha) : null,
      needs[1] ? build.mul(db(), alpha) : null,
      needs[2] ? build.mul(unbroadcast(build, dy, bias), beta) : null,
    ];
  },
};

// dA = dy B^T, dB = A^T dy, summed over the batch axes along which an operand was repeated; a vector is a matrix of one row or column.
export const MatMul: Op = {
  linear: [0, 1],
  rows: (c, rows) => {
    const behind = rankOf(c.y[0]) - 1 - rows.axis;
    if (behind === 0 || c.x.some((v) => rankOf(v) < 2)) return undefined;
    return behind === 1 ? [{ ...rows, axis: rankOf(c.x[0]) - 2 }] : aligned(c, rows);
  },
  vjp: ({ build, x: [a, b], dy: [dy], needs }) => {
    const row = rankOf(a) === 1 ? build.unsqueeze(a, [0]) : a;
    const column = rankOf(b) === 1 ? build.unsqueeze(b, [1]) : b;
    const withColumn = rankOf(b) === 1 ? build.unsqueeze(dy, [rankOf(dy)]) : dy;
    const full = rankOf(a) === 1 ? build.unsqueeze(withColumn, [rankOf(withColumn) - 1]) : withColumn;
    const da = () => unbroadcast(build, timesTransposed(build, full, column), row);
    const db = () => unbroadcast(build, build.matMul(build.transposeLast(row), full), column);
    return [needs[0] ? build.reshapeLike(da(), a) : null, needs[1] ? build.reshapeLike(db(), b) : null];
  },
};

/** dy @ b^T; a plain matrix b is left where it lies. */
function timesTransposed(build: Builder, dy: Value, b: Value): Value {
  return rankOf(dy) === 2 && rankOf(b) === 2
    ? build.gemm(dy, b, { transB: true })
    : build.matMul(dy, build.transposeLast(b));
}
