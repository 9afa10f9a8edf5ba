/** @file Whether two maps agree on what matters: Spearman's rank correlation. */

/** -1 to 1; 0 where one of them is the same everywhere. Ties have their mean rank. */
export function spearman(a: Float32Array, b: Float32Array): number {
  return pearson(ranks(a), ranks(b));
}

function ranks(values: Float32Array): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) out[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

function pearson(x: Float64Array, y: Float64Array): number {
  const mean = (x.length - 1) / 2; // of ranks
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i] - mean, y[i] - mean];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx && yy ? xy / Math.sqrt(xx * yy) : 0;
}
