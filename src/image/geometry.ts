/**
 * @file Where a network's input lies in the original picture, and how its maps come back to that picture's pixels.
 *
 * Bilinear throughout, with the values at the centres of their cells (half-pixel, `align_corners=False`), and in one step from the
 * map's grid to the original pixels: going by way of the network's input would blur twice.
 */

import { InternalError } from "../errors.ts";
import type { PixelMap } from "./picture.ts";

/** Pixels across and down. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The affine map from the network's input to the original picture, in pixels whose edges are whole numbers:
 * `x_original = left + x_input * scaleX`, `y_original = top + y_input * scaleY`.
 */
export interface Geometry {
  readonly input: Size;
  readonly original: Size;
  /** Original pixels for one input pixel. */
  readonly scaleX: number;
  readonly scaleY: number;
  /** Where the input's top left corner is, in original pixels; negative where the input was padded. */
  readonly left: number;
  readonly top: number;
}

/**
 * A map over the network's input, in the pixels of the original picture; NaN where the network did not look (cropped away).
 *
 * @param map `h * w` values, row after row; the grid covers the network's input exactly
 */
export function undo(map: Float32Array, [h, w]: readonly [number, number], geometry: Geometry): PixelMap {
  const { input, original, scaleX, scaleY, left, top } = geometry;
  const columns = places(original.width, w, (x) => (x - left) / scaleX / input.width);
  const rows = places(original.height, h, (y) => (y - top) / scaleY / input.height);
  return { ...original, data: interpolate(map, [h, w], rows, columns) };
}

/**
 * A map resized, equal to PyTorch's `F.interpolate(mode="bilinear", align_corners=False)`.
 *
 * @param map `h * w` values, row after row
 * @returns `height * width` values
 */
export function upsample(
  map: Float32Array,
  [h, w]: readonly [number, number],
  [height, width]: readonly [number, number],
): Float32Array {
  const rows = places(height, h, (y) => y / height);
  const columns = places(width, w, (x) => x / width);
  return interpolate(map, [h, w], rows, columns);
}

/** For each target pixel the two cells that it lies between, and its share of the second; NaN where it lies outside. */
interface Places {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

/** @param position from a target pixel's centre to the part of the grid's extent before it, 0..1 inside */
function places(length: number, cells: number, position: (centre: number) => number): Places {
  const first = new Int32Array(length);
  const second = new Int32Array(length);
  const share = new Float64Array(length).fill(Number.NaN);
  for (let i = 0; i < length; i++) {
    const part = position(i + 0.5);
    if (!(part >= 0 && part < 1)) continue;
    const cell = Math.max(0, part * cells - 0.5);
    first[i] = Math.trunc(cell);
    second[i] = Math.min(cells - 1, first[i] + 1);
    share[i] = cell - first[i];
  }
  return { first, second, share };
}

function interpolate(
  map: Float32Array,
  [h, w]: readonly [number, number],
  rows: Places,
  columns: Places,
): Float32Array {
  if (map.length !== h * w) throw new InternalError(`${map.length} values for a map of ${h} x ${w}`);
  const [height, width] = [rows.share.length, columns.share.length];
  const { first, share } = columns;
  const out = new Float32Array(height * width);
  const line = new Float64Array(w);
  for (let y = 0, at = 0; y < height; y++) {
    const [above, below, down] = [rows.first[y] * w, rows.second[y] * w, rows.share[y]];
    // Outside, the share is NaN, and so is everything that is made with it.
    for (let x = 0; x < w; x++) line[x] = map[above + x] * (1 - down) + map[below + x] * down;
    for (let x = 0; x < width; ) {
      // All pixels between the same two cells.
      const cell = first[x];
      const [left, right] = [line[cell], line[Math.min(w - 1, cell + 1)]];
      for (; x < width && first[x] === cell; x++) out[at++] = left * (1 - share[x]) + right * share[x];
    }
  }
  return out;
}
