/** @file How two lists of numbers go together, by value (Pearson) and by rank (Spearman). */

/** Ranks from 1; equal values share the mean of their ranks, as in scipy's `rankdata`. */
export function ranks(values: Float32Array | Float64Array): Float64Array {
  const order = new Uint32Array(values.length).map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) out[order[i]] = (from + 1 + to) / 2;
    from = to;
  }
  return out;
}

/** Pearson's correlation; NaN where one side is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i] - ma, b[i] - mb];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Spearman's rank correlation, ties by mean ranks; NaN where one side is constant. */
export const spearman = (a: Float32Array | Float64Array, b: Float32Array | Float64Array): number =>
  pearson(ranks(a), ranks(b));

/** Spearman's between two maps; 0 where one is constant: it orders nothing, and correlates with nothing. */
export function rankCorrelation(a: Float32Array, b: Float32Array): number {
  const rho = spearman(a, b);
  return Number.isNaN(rho) ? 0 : rho;
}

function mean(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total / values.length;
}
