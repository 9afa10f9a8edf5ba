/**
 * @file Non-negative matrix factorisation, X = W H, by the multiplicative updates of Lee and Seung (2001), which never raise the squared error.
 */
import { InternalError } from "../errors.ts";

/** A matrix, row after row. */
export interface Matrix {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

export interface Factors {
  /** [rows of X, k] */
  readonly w: Matrix;
  /** [k, columns of X] */
  readonly h: Matrix;
}

/** Below it a number counts as 0, as a factor and as a divisor. */
const epsilon = 1.1920929e-7;

/**
 * Improves factors of X.
 * @param before called before each step with the share that is done; steps end early where ten of them win less than 1e-4 of the error at the start
 */
export function factorised(x: Matrix, start: Factors, steps: number, before?: (done: number) => void): Factors {
  const k = start.w.columns;
  if (start.w.rows !== x.rows || start.h.columns !== x.columns || start.h.rows !== k)
    throw new InternalError("factors that do not fit their matrix");
  const w = { ...start.w, data: start.w.data.slice() };
  const h = { ...start.h, data: start.h.data.slice() };
  const initial = distance(x, w, h);
  let previous = initial;
  for (let step = 0; step < steps; step++) {
    before?.(step / steps);
    scale(w, times(x, h, "transposed"), times(w, times(h, h, "transposed")));
    scale(h, times(x, w, "first"), times(times(w, w, "first"), h));
    if (step % 10 !== 9) continue;
    const error = distance(x, w, h);
    if ((previous - error) / initial < 1e-4) break;
    previous = error;
  }
  return { w, h };
}

/** Each number times that of the first, over that of the second. */
function scale(matrix: Matrix, by: Matrix, over: Matrix): void {
  const { data } = matrix;
  for (let i = 0; i < data.length; i++) data[i] *= (by.data[i] ?? 0) / (over.data[i] || epsilon);
}

/** How far W H is from X: the root of the sum of squares. */
function distance(x: Matrix, w: Matrix, h: Matrix): number {
  const product = times(w, h);
  return Math.sqrt(x.data.reduce((sum, value, i) => sum + (value - (product.data[i] ?? 0)) ** 2, 0));
}

/** a b, or a b^T ("transposed"), or b^T a of the second with the first ("first"). */
function times(a: Matrix, b: Matrix, which?: "transposed" | "first"): Matrix {
  const [left, right] = which === "first" ? [transposed(b), a] : [a, which === "transposed" ? transposed(b) : b];
  const { rows, columns: inner } = left;
  const { columns } = right;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < inner; j++) {
      const factor = left.data[i * inner + j] ?? 0;
      if (factor === 0) continue;
      for (let c = 0; c < columns; c++) data[i * columns + c] += factor * (right.data[j * columns + c] ?? 0);
    }
  return { data, rows, columns };
}

function transposed({ data, rows, columns }: Matrix): Matrix {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j] ?? 0;
  return { data: turned, rows: columns, columns: rows };
}
