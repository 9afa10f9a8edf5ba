/** @file The first principal component of arrays, as principal-component.ts has it of tensors in a graph. */
import { range } from "../onnx/dims.ts";

/** Steps at most; each is a product with the smaller Gram matrix. */
const most = 2000;

/** @param channels [C, positions], row after row */
export function firstComponent(channels: Float32Array, count: number): Float32Array {
  const places = channels.length / count;
  const centred = range(count).map((c) => {
    const row = Float64Array.from(channels.subarray(c * places, (c + 1) * places));
    const mean = row.reduce((a, b) => a + b, 0) / places;
    return row.map((value) => value - mean);
  });
  const onPlaces = (v: Float64Array) => {
    const out = new Float64Array(places);
    for (const [c, row] of centred.entries()) for (let p = 0; p < places; p++) out[p] += v[c] * row[p];
    return out;
  };
  const onChannels = (u: Float64Array) =>
    Float64Array.from(centred, (row) => row.reduce((sum, value, p) => sum + value * u[p], 0));
  const unit = (v: Float64Array) => {
    const length = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
    return length > 0 ? v.map((value) => value / length) : v;
  };
  // From the longest channel, which the component is hardly ever at right angles to.
  const lengths = centred.map((row) => row.reduce((sum, value) => sum + value * value, 0));
  const longest = lengths.reduce((best, length, c) => (length > lengths[best] ? c : best), 0);
  let v = unit(onChannels(centred[longest]));
  for (let step = 0; step < most; step++) {
    const next = unit(onChannels(onPlaces(v)));
    const moved = next.reduce((sum, value, c) => Math.max(sum, Math.abs(value - v[c])), 0);
    v = next;
    if (moved < 1e-12) break;
  }
  const sign = v.reduce((a, b) => a + b, 0) < 0 ? -1 : 1;
  return Float32Array.from(onPlaces(v), (value) => sign * value);
}
