/** @file The planes of one run: which cells of them are a mask, which of them is strongest where, and how their numbers are asked about. */
import { present } from "../../errors.ts";
import type { ElementPass, Weighted } from "../../explain/elements.ts";
import { checkFinite } from "../../explain/target.ts";
import { cellsUnder, type Geometry, onCanvas, undo } from "../../image/geometry.ts";
import { product } from "../../onnx/dims.ts";
import { toDense } from "../../onnx/tensors.ts";
import { toPlain } from "../../read/axes.ts";
import { ravel, unravel } from "../../read/element.ts";
import type { Trace } from "../../read/trace.ts";
import type { MaskHead, MaskRule } from "./mask-head.ts";

/** Pixels of a picture that belong to something: 1, and 0 elsewhere. */
export interface PixelMask {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** `width * height` values, row after row. */
  readonly data: Uint8Array;
}

/** What pixels of the picture are made of: cells of a plane, each with its share. */
type CellShares = ReadonlyMap<number, number>;

/** What no plane is predicted as, among numbers of planes. */
const none = -1;

export class Planes {
  readonly count: number;
  readonly grid: readonly [height: number, width: number];
  readonly #values: Float32Array;
  readonly #dims: readonly number[];

  /** @throws UserError `not-finite` where a logit is no number. */
  constructor(
    private readonly pass: ElementPass,
    private readonly trace: Trace,
    private readonly head: MaskHead,
  ) {
    const { tensor, axes } = head;
    const whole = toPlain(toDense(pass.tensor(tensor)), axes);
    const [, count = 0, height = 0, width = 0] = whole.dims;
    // A batch of a fixed size is full of the one picture.
    this.#values = whole.data.subarray(0, count * height * width);
    checkFinite({ data: this.#values, dims: [1, count, height, width] }, tensor);
    this.count = count;
    this.grid = [height, width];
    this.#dims = pass.tensor(tensor).dims;
  }

  get rule(): MaskRule {
    return this.head.rule;
  }

  /** The values of a plane, row after row. */
  plane(index: number): Float32Array {
    const cells = product(this.grid);
    return this.#values.subarray(index * cells, (index + 1) * cells);
  }

  /** The cells that a plane is predicted at; of several that are equally large at one, the first. */
  cells(index: number): readonly number[] {
    const { rule } = this;
    if (rule === "largest") {
      this.#largest ??= this.#cellsByLargest();
      return present(this.#largest[index], "the cells of a plane");
    }
    const found: number[] = [];
    this.plane(index).forEach((value, cell) => {
      if (value > rule.above) found.push(cell);
    });
    return found;
  }

  #largest: readonly (readonly number[])[] | undefined;

  #cellsByLargest(): number[][] {
    const found = Array.from({ length: this.count }, (): number[] => []);
    const values = this.#values;
    const cells = product(this.grid);
    for (let cell = 0; cell < cells; cell++) {
      let best = 0;
      for (let k = 1; k < this.count; k++)
        if ((values[k * cells + cell] as number) > (values[best * cells + cell] as number)) best = k;
      (found[best] as number[]).push(cell);
    }
    return found;
  }

  /** A plane's mask in the pixels of the picture that maps are laid over, the plane between its cells taken bilinearly. */
  onPicture(index: number, geometry: Geometry): PixelMask {
    const { rule } = this;
    if (rule === "largest") {
      const { width, height, data } = this.labels(geometry);
      return { width, height, data: Uint8Array.from(data, (label) => Number(label === index)) };
    }
    const { width, height, data } = undo(this.plane(index), this.grid, geometry);
    return { width, height, data: Uint8Array.from(data, (value) => Number(value > rule.above)) };
  }

  /** For each pixel of the picture the plane that is largest there; -1 where the network did not look. */
  labels(geometry: Geometry) {
    this.#onPicture ??= labelsOn(this.#values, this.count, this.grid, geometry);
    return this.#onPicture;
  }
  #onPicture: { readonly width: number; readonly height: number; readonly data: Int32Array } | undefined;

  /** Which of some planes is largest at a place between cells. */
  strongestAt(shares: CellShares, among: readonly number[]): number {
    const at = (index: number) => {
      const own = this.plane(index);
      return [...shares].reduce((sum, [cell, share]) => sum + share * (own[cell] as number), 0);
    };
    return among.reduce((best, index) => (at(index) > at(best) ? index : best), among[0] ?? none);
  }

  /** A sum over cells of a plane, as a question: of the logits, in front of what made probabilities of them. */
  sum(plane: number, cells: Iterable<readonly [cell: number, weight: number]>): Weighted[] {
    const { tensor, axes } = this.head;
    const dims = this.#dims;
    const traced = this.#isTraced;
    const indexOf = (cell: number): number[] => {
      const at = dims.map(() => 0);
      unravel(cell, this.grid).forEach((place, i) => {
        at[axes.grid[i] as number] = place;
      });
      return axes.channels === undefined ? at : at.with(axes.channels, plane);
    };
    return Array.from(cells, ([cell, weight]) => {
      const place = indexOf(cell);
      if (!traced) return { tensor, place: ravel(place, dims), weight };
      const source = this.trace.source({ tensor, index: place }, this.pass);
      const shape = present(this.pass.dims(source.tensor), "a shape");
      return { tensor: source.tensor, place: ravel(source.index, shape), weight };
    });
  }

  /** Whether the planes are probabilities that something in front of them was made to. */
  get #isTraced(): boolean {
    const index = this.#dims.map(() => 0);
    return this.trace.source({ tensor: this.head.tensor, index }, this.pass).through.length > 0;
  }
}

/** Cells around a pixel of the original picture; undefined where the network did not look. */
export function sharesAt(
  grid: readonly [number, number],
  { canvas: _, ...geometry }: Geometry,
  pixels: Iterable<readonly [x: number, y: number]>,
): Map<number, number> | undefined {
  const { rows, columns } = cellsUnder(grid, geometry);
  const [h, w] = grid;
  const shares = new Map<number, number>();
  const add = (cell: number, share: number) => {
    if (share > 0) shares.set(cell, (shares.get(cell) ?? 0) + share);
  };
  for (const [x, y] of pixels) {
    const [up, down] = [rows.ofFirst[y] as number, rows.ofSecond[y] as number];
    const [left, right] = [columns.ofFirst[x] as number, columns.ofSecond[x] as number];
    if (Number.isNaN(up * left)) continue;
    const row = rows.first[y] as number;
    const above = row * w;
    const below = Math.min(h - 1, row + 1) * w;
    const first = columns.first[x] as number;
    const second = Math.min(w - 1, first + 1);
    add(above + first, up * left);
    add(above + second, up * right);
    add(below + first, down * left);
    add(below + second, down * right);
  }
  return shares.size ? shares : undefined;
}

/**
 * The plane that is largest at each pixel, between cells taken bilinearly. Only planes that can be are looked at: between four cells a plane
 * is nowhere largest whose largest of the four is below another's least.
 */
export function labelsOn(values: Float32Array, count: number, grid: readonly [number, number], geometry: Geometry) {
  const [h, w] = grid;
  const { rows, columns } = cellsUnder(grid, onCanvas(geometry));
  const { width, height } = onCanvas(geometry).original;
  const data = new Int32Array(width * height).fill(none);
  const cells = h * w;
  const rivals = new Map<number, Int32Array>();
  const most = new Float32Array(count);
  const among = (above: number, below: number, first: number, second: number): Int32Array => {
    const key = above + first;
    const known = rivals.get(key);
    if (known) return known;
    let least = Number.NEGATIVE_INFINITY;
    for (let k = 0, at = 0; k < count; k++, at += cells) {
      const [a, b] = [values[at + above + first] as number, values[at + above + second] as number];
      const [c, d] = [values[at + below + first] as number, values[at + below + second] as number];
      most[k] = Math.max(a, b, c, d);
      least = Math.max(least, Math.min(a, b, c, d));
    }
    const found = Int32Array.from([...most.keys()].filter((k) => (most[k] as number) >= least));
    rivals.set(key, found);
    return found;
  };
  for (let y = 0; y < height; y++) {
    const row = rows.first[y] as number;
    const above = row * w;
    const below = Math.min(h - 1, row + 1) * w;
    const [up, down] = [rows.ofFirst[y] as number, rows.ofSecond[y] as number];
    if (Number.isNaN(up)) continue;
    for (let x = 0; x < width; x++) {
      const first = columns.first[x] as number;
      const second = Math.min(w - 1, first + 1);
      const [left, right] = [columns.ofFirst[x] as number, columns.ofSecond[x] as number];
      if (Number.isNaN(left)) continue;
      const some = among(above, below, first, second);
      let best = some[0] as number;
      if (some.length > 1) {
        let largest = Number.NEGATIVE_INFINITY;
        for (const k of some) {
          const at = k * cells;
          const upper = left * (values[at + above + first] as number) + right * (values[at + above + second] as number);
          const lower = left * (values[at + below + first] as number) + right * (values[at + below + second] as number);
          const value = up * upper + down * lower;
          if (value > largest) {
            largest = value;
            best = k;
          }
        }
      }
      data[y * width + x] = best;
    }
  }
  return { width, height, data };
}
