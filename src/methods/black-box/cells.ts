/** @file Parts of a picture that are shown or hidden as one: superpixels, and blocks of a regular grid. */
import { slic } from "../../image/slic.ts";
import { product, range } from "../../onnx/dims.ts";
import type { Picture } from "../gradient/steps.ts";

/** The part that each place of the grid belongs to, from 0 on. */
export interface Parts {
  readonly of: Int32Array;
  readonly count: number;
}

/** Blocks of a regular grid, so many along each axis, row-major; a block may have no place where there are more of them than places. */
export function blocks(grid: readonly number[], along: readonly number[]): Parts {
  const of = new Int32Array(product(grid));
  for (let p = 0; p < of.length; p++) {
    let [rest, part, stride] = [p, 0, 1];
    for (let axis = grid.length - 1; axis >= 0; axis--) {
      const at = rest % grid[axis];
      rest = (rest - at) / grid[axis];
      part += Math.floor(((at + 0.5) * along[axis]) / grid[axis]) * stride;
      stride *= along[axis];
    }
    of[p] = part;
  }
  return { of, count: product(along) };
}

/** About so many blocks, as near to squares as can be. */
function evenBlocks(grid: readonly number[], wanted: number): Parts {
  const side = (product(grid) / wanted) ** (1 / grid.length);
  return blocks(
    grid,
    grid.map((length) => Math.min(length, Math.max(1, Math.round(length / side)))),
  );
}

/** About so many superpixels of a picture; of a signal or a volume, blocks. */
export function superpixels({ data, dims }: Picture, segments: number, compactness: number): Parts {
  const grid = dims.slice(1);
  if (grid.length !== 2) return evenBlocks(grid, segments);
  const of = slic(data, dims, { segments, compactness });
  return { of, count: 1 + of.reduce((most, part) => Math.max(most, part), 0) };
}

/** A mask of parts that are shown so far. */
export const spread = ({ of }: Parts, values: ArrayLike<number>): Float32Array =>
  Float32Array.from(of, (part) => values[part]);

/** A row of a matrix of so many columns. */
export const rowAt = <T extends Uint8Array | Float64Array>(matrix: T, columns: number, row: number): T =>
  matrix.subarray(row * columns, (row + 1) * columns) as T;

/** A map of every target of every picture, made of the values of its parts. */
export function mapsOfParts(
  grid: readonly number[],
  rows: readonly { readonly parts: Parts; readonly values: ArrayLike<number> }[],
) {
  const places = product(grid);
  const data = new Float32Array(rows.length * places);
  for (const i of range(rows.length)) data.set(spread(rows[i].parts, rows[i].values), i * places);
  return { data, dims: [rows.length, ...grid] };
}
