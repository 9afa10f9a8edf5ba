/**
 * @file Maps of several layers as one. Layers, and the levels of a detector's head, are on scales of their own: so each map is divided by its
 * largest magnitude, and at every place of the finest grid the strongest of them counts.
 *
 *   L = the s_l of largest |s_l| over the layers l,   s_l = resized(L_l) / max |L_l|
 *
 * Of maps without negative values that is their maximum.
 */
import type { Dense } from "../array/dense.ts";
import { InternalError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import { product, range } from "../onnx/dims.ts";

/**
 * @param maps of each layer, [m, ...grid], of the same m explanations; grids of any sizes, with as many axes
 * @returns [m, ...grid] of the finest grid, from -1 to 1; where every layer is blank, 0
 */
export function fused(maps: readonly Dense[]): Dense {
  const [first] = maps;
  if (!first) throw new InternalError("no maps to fuse");
  const finest = maps.reduce((a, b) => (product(b.dims.slice(1)) > product(a.dims.slice(1)) ? b : a)).dims.slice(1);
  const places = product(finest);
  const [m = 0] = first.dims;
  const all = new Float32Array(m * places);
  for (const { data, dims } of maps) {
    const [rows, ...grid] = dims;
    if (rows !== m || grid.length !== finest.length)
      throw new InternalError(`maps of shapes [${dims}] and [${first.dims}] to be fused`);
    const size = product(grid);
    for (const row of range(m)) {
      const own = data.subarray(row * size, (row + 1) * size);
      const most = own.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
      if (most === 0) continue;
      for (const [p, value] of resized(own, grid, finest).entries()) {
        const at = row * places + p;
        if (Math.abs(value / most) > Math.abs(all[at] ?? 0)) all[at] = value / most;
      }
    }
  }
  return { data: all, dims: [m, ...finest] };
}

/** A map on another grid, linearly along each of its axes, the values at the centres of their cells. */
export function resized(map: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  let data = map;
  for (const [axis, length] of to.entries()) {
    const cells = from[axis] ?? 0;
    if (cells === length) continue;
    const inner = product(from.slice(axis + 1));
    const outer = product(to.slice(0, axis));
    const along = new Float32Array(outer * length * inner);
    for (const o of range(outer)) {
      const part = data.subarray(o * cells * inner, (o + 1) * cells * inner);
      along.set(upsample(part, [cells, inner], [length, inner]), o * length * inner);
    }
    data = along;
  }
  return data;
}
