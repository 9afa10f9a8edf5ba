/** @file Weighted least squares with a ridge: how much each of several quantities adds to what was measured. */

/** Measurements, row-major: [rows, columns] of quantities, and what was measured in each row. */
export interface Measurements {
  readonly quantities: Float64Array;
  readonly columns: number;
  /** One for each row. */
  readonly measured: ArrayLike<number>;
  /** How much each row counts. */
  readonly weights: ArrayLike<number>;
}

/**
 * The coefficients b that make sum_r w_r (y_r - x_r b)^2 + ridge |b|^2 the least. Without a ridge, one of 1e-10 of the mean square stands in:
 * where the rows leave coefficients open, those of the least norm are found.
 */
export function leastSquares({ quantities, columns, measured, weights }: Measurements, ridge = 0): Float64Array {
  const matrix = new Float64Array(columns * columns);
  const right = new Float64Array(columns);
  for (let r = 0; r < measured.length; r++) {
    const row = quantities.subarray(r * columns, (r + 1) * columns);
    for (let i = 0; i < columns; i++) {
      const weighted = weights[r] * row[i];
      if (weighted === 0) continue;
      right[i] += weighted * measured[r];
      for (let j = 0; j <= i; j++) matrix[i * columns + j] += weighted * row[j];
    }
  }
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += matrix[i * columns + i];
  if (trace === 0) return right; // nothing was varied, and nothing is known: all 0
  const raised = ridge || (1e-10 * trace) / columns;
  for (let i = 0; i < columns; i++) matrix[i * columns + i] += raised;
  return solved(matrix, right);
}

/**
 * The same with an intercept, which no ridge shrinks: quantities and measurements less their weighted means. Of rows that all weigh 0, all
 * is 0.
 */
export function regression({ quantities, columns, measured, weights }: Measurements, ridge = 0): Float64Array {
  const rows = measured.length;
  let total = 0;
  for (let r = 0; r < rows; r++) total += weights[r];
  if (total === 0) return new Float64Array(columns);
  const meanOf = (value: (r: number) => number) => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += weights[r] * value(r);
    return sum / total;
  };
  const means = Float64Array.from({ length: columns }, (_, j) => meanOf((r) => quantities[r * columns + j]));
  const level = meanOf((r) => measured[r]);
  const centred = quantities.map((value, at) => value - means[at % columns]);
  const rest = Float64Array.from({ length: rows }, (_, r) => measured[r] - level);
  return leastSquares({ quantities: centred, columns, measured: rest, weights }, ridge);
}

/** Solves A x = b of a symmetric positive definite A, of which the lower half is given, in place, by Cholesky's decomposition A = L L'. */
function solved(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  for (let j = 0; j < n; j++)
    for (let i = j; i < n; i++) {
      let sum = lower[i * n + j];
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
      lower[i * n + j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / lower[j * n + j];
    }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) right[i] -= lower[i * n + k] * right[k];
    right[i] /= lower[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) right[i] -= lower[k * n + i] * right[k];
    right[i] /= lower[i * n + i];
  }
  return right;
}
