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
 * Where the cells of a grid lie on the network's input, along one axis: the centre of cell `k` is at `start + k * step`, in input pixels
 * whose edges are whole numbers. Without it the grid is taken to cover the input evenly.
 */
export interface CellCentres {
  readonly start: number;
  readonly step: number;
}

/** {@link CellCentres} of each axis of a grid, in their order: [rows, columns], [slices, rows, columns], [samples]. */
export type Alignment = readonly CellCentres[];

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
  /** How large the picture is that maps are laid over, where it was shrunk as it was decoded. */
  readonly canvas?: Size;
}

/** The geometry of the picture that maps are laid over, which is the original unless that was shrunk. */
export function onCanvas({ canvas, ...geometry }: Geometry): Geometry {
  if (!canvas) return geometry;
  const { original, scaleX, scaleY, left, top } = geometry;
  const [x, y] = [canvas.width / original.width, canvas.height / original.height];
  return {
    ...{ input: geometry.input, original: canvas },
    ...{ scaleX: scaleX * x, scaleY: scaleY * y, left: left * x, top: top * y },
  };
}

/**
 * A map over the network's input, in the pixels of the original picture, or of the one that it was shrunk to; NaN where the network did
 * not look (cropped away).
 *
 * @param map `h * w` values, row after row
 * @param alignment where the cells lie; by default they cover the network's input evenly
 */
export function undo(
  map: Float32Array,
  [h, w]: readonly [number, number],
  geometry: Geometry,
  alignment: Alignment = [],
): PixelMap {
  const onto = onCanvas(geometry);
  const { rows, columns } = cellsUnder([h, w], onto, alignment);
  return { ...onto.original, data: interpolate(map, [h, w], rows, columns) };
}

/** Between which cells of a grid over the network's input the pixels of the original lie, row by row and column by column. */
export function cellsUnder(
  [h, w]: readonly [number, number],
  { input, original, scaleX, scaleY, left, top }: Omit<Geometry, "canvas">,
  alignment: Alignment = [],
): { readonly rows: Places; readonly columns: Places } {
  const across = { from: left, length: input.width * scaleX, scale: scaleX };
  const down = { from: top, length: input.height * scaleY, scale: scaleY };
  return {
    rows: places(original.height, h, down, alignment[0]),
    columns: places(original.width, w, across, alignment[1]),
  };
}

/**
 * A map resized, equal to PyTorch's `F.interpolate(mode="bilinear", align_corners=False)`.
 *
 * @param map `h * w` values, row after row
 * @param alignment where the cells lie on the target's pixels; by default they cover it evenly
 * @returns `height * width` values
 */
export function upsample(
  map: Float32Array,
  [h, w]: readonly [number, number],
  [height, width]: readonly [number, number],
  alignment: readonly (CellCentres | undefined)[] = [],
): Float32Array {
  const rows = places(height, h, { from: 0, length: height, scale: 1 }, alignment[0]);
  const columns = places(width, w, { from: 0, length: width, scale: 1 }, alignment[1]);
  return interpolate(map, [h, w], rows, columns);
}

/** Pixels `from <= place < to` along one axis. */
export type Range = readonly [from: number, to: number];

/**
 * The pixels from the centre of the first cell to that of the last, of `length` pixels: beyond them a map only continues its border.
 * @param scale pixels for one of the network's input
 * @param from where the network's input begins, in pixels
 */
export function spanned({ start, step }: CellCentres, cells: number, length: number, scale = 1, from = 0): Range {
  const [first, last] = [0, cells - 1].map((cell) => from + (start + cell * step) * scale);
  // Pixels whose centres are at most half a pixel before or behind.
  const low = Math.min(length - 1, Math.max(0, Math.ceil(first - 1 - ROUNDING * length)));
  const high = Math.min(length, Math.max(1, Math.floor(last + ROUNDING * length) + 1));
  return [low, Math.max(low + 1, high)];
}

/** {@link spanned} of the rows and the columns of a picture; undefined where the cells lie evenly. */
export function cellsSpan(
  [h, w]: readonly number[],
  geometry: Geometry,
  alignment: Alignment | undefined,
): readonly [rows: Range, columns: Range] | undefined {
  if (!alignment) return undefined;
  const { original, scaleX, scaleY, left, top } = onCanvas(geometry);
  const rows = spanned(alignment[0], h, original.height, scaleY, top);
  return [rows, spanned(alignment[1], w, original.width, scaleX, left)];
}

/** For each target pixel the first of the two neighbours that it lies between, and the share of each; NaN where it lies outside. */
export interface Places {
  readonly first: Int32Array;
  readonly ofFirst: Float64Array;
  readonly ofSecond: Float64Array;
}

/** The part of the target's axis that the network saw, and target pixels for one of the network's. */
interface Seen {
  readonly from: number;
  readonly length: number;
  readonly scale: number;
}

/** What rounding may do to a position, in parts of the axis. */
const ROUNDING = 1e-9;

/**
 * Positions are reckoned from the middle of what was seen, and those before it are the mirror image of those behind it: a mirrored map
 * comes out mirrored to the last bit, whatever the scale.
 */
function places(length: number, cells: number, { from, length: seen, scale }: Seen, centres?: CellCentres): Places {
  const first = new Int32Array(length);
  const ofFirst = new Float64Array(length).fill(Number.NaN);
  const ofSecond = new Float64Array(length).fill(Number.NaN);
  const exact = from + seen / 2;
  const middle = Math.abs(exact - length / 2) < ROUNDING * length ? length / 2 : exact;
  const step = centres ? centres.step * scale : seen / cells;
  // Cells before the middle: half of them, unless they lie elsewhere.
  const evenly = (cells - 1) / 2;
  const before = centres ? (seen / 2 - centres.start * scale) / step : evenly;
  const mirrored = Math.abs(before - evenly) < ROUNDING * cells;
  for (let i = 0; i < length; i++) {
    const away = i + 0.5 - middle;
    if (Math.abs(away) > seen * (0.5 + ROUNDING)) continue;
    const flip = mirrored && away < 0;
    const cell = (flip ? -away : away) / step + (mirrored ? evenly : before);
    const within = Math.min(Math.max(0, cell), cells - 1);
    const low = Math.min(Math.trunc(within), Math.max(0, cells - 2));
    const share = within - low;
    first[i] = flip ? Math.max(0, cells - 2 - low) : low;
    ofFirst[i] = flip ? share : 1 - share;
    ofSecond[i] = flip ? 1 - share : share;
  }
  return { first, ofFirst, ofSecond };
}

function interpolate(
  map: Float32Array,
  [h, w]: readonly [number, number],
  rows: Places,
  columns: Places,
): Float32Array {
  if (map.length !== h * w) throw new InternalError(`${map.length} values for a map of ${h} x ${w}`);
  const [height, width] = [rows.first.length, columns.first.length];
  const { first, ofFirst, ofSecond } = columns;
  const out = new Float32Array(height * width);
  const line = new Float64Array(w);
  for (let y = 0, at = 0; y < height; y++) {
    const above = rows.first[y] * w;
    const below = Math.min(h - 1, rows.first[y] + 1) * w;
    const [up, down] = [rows.ofFirst[y], rows.ofSecond[y]];
    // Outside, the shares are NaN, and so is everything that is made with them.
    for (let x = 0; x < w; x++) line[x] = map[above + x] * up + map[below + x] * down;
    for (let x = 0; x < width; ) {
      // All pixels between the same two cells.
      const cell = first[x];
      const [left, right] = [line[cell], line[Math.min(w - 1, cell + 1)]];
      for (; x < width && first[x] === cell; x++) out[at++] = left * ofFirst[x] + right * ofSecond[x];
    }
  }
  return out;
}
