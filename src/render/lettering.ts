/**
 * @file A line of text as pixels, without a font, a canvas or an SVG reader: how much of each pixel its outlines cover.
 *
 * Each edge of an outline adds the area to its right to the pixels of its rows, with its direction's sign; a sum along the row is what is
 * inside, holes left out.
 */
import { EM, outlines } from "./text.ts";

/** Shares of pixels, 0 to 1, row after row; the baseline is `baseline` rows below the top. */
export interface Lettering {
  readonly width: number;
  readonly height: number;
  readonly baseline: number;
  readonly cover: Float32Array;
}

/** Of the type size: from the baseline to the top of accents, and down to the foot of letters. */
const ABOVE = 1.05;
const BELOW = 0.3;

/** @param size of the type in pixels, the em */
export function lettering(line: string, size: number): Lettering {
  const glyphs = outlines(line);
  const unit = size / EM;
  const width = Math.ceil(glyphs.reduce((sum, { advance }) => sum + advance, 0) * unit) + 1;
  const baseline = Math.ceil(size * ABOVE);
  const sums = new Sums(width, baseline + Math.ceil(size * BELOW));
  let pen = 0;
  for (const { advance, path } of glyphs) {
    for (const [ax, ay, bx, by] of edgesOf(path))
      sums.add([(pen + ax) * unit, baseline + ay * unit], [(pen + bx) * unit, baseline + by * unit]);
    pen += advance;
  }
  return { width, height: sums.height, baseline, cover: sums.cover() };
}

type Edge = readonly [ax: number, ay: number, bx: number, by: number];

/** Straight pieces of a curve: finer than a pixel at the sizes that labels have. */
const PIECES = 6;

/** The edges of an outline of relative lines and quadratic curves, as {@link outlines} has them. */
function* edgesOf(path: string): Generator<Edge> {
  let [x, y, startX, startY] = [0, 0, 0, 0];
  for (const [, command, numbers = ""] of path.matchAll(/([mhvlqz])([^a-z]*)/g)) {
    const values = numbers.match(/-?\d+/g)?.map(Number) ?? [];
    const at = (i: number) => values[i] ?? 0;
    if (command === "z") {
      yield [x, y, startX, startY];
      [x, y] = [startX, startY];
    }
    if (command === "m") {
      [x, y] = [x + at(0), y + at(1)];
      [startX, startY] = [x, y];
    }
    const step = { m: 0, z: 0, h: 1, v: 1, l: 2, q: 4 }[command as "m" | "h" | "v" | "l" | "q" | "z"];
    for (let i = command === "m" ? 2 : 0; i < values.length; i += step || 2) {
      const [fromX, fromY] = [x, y];
      if (command === "q") {
        const [cx, cy] = [x + at(i), y + at(i + 1)];
        const [toX, toY] = [fromX + at(i + 2), fromY + at(i + 3)];
        for (let piece = 1; piece <= PIECES; piece++) {
          const t = piece / PIECES;
          const on = (a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c;
          const [nextX, nextY] = [on(fromX, cx, toX), on(fromY, cy, toY)];
          yield [x, y, nextX, nextY];
          [x, y] = [nextX, nextY];
        }
        continue;
      }
      x += command === "v" ? 0 : at(i);
      y += command === "h" ? 0 : at(command === "v" ? i : i + 1);
      yield [fromX, fromY, x, y];
    }
  }
}

/** Signed areas to the right of edges, as differences along each row. */
class Sums {
  readonly #steps: Float32Array;
  readonly #across: number;

  constructor(
    private readonly width: number,
    readonly height: number,
  ) {
    this.#across = width + 2; // an edge at the border adds to the pixel behind it
    this.#steps = new Float32Array(this.#across * height);
  }

  add([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]): void {
    if (ay === by) return;
    const sign = ay < by ? 1 : -1;
    const [[topX, top], [endX, end]] =
      ay < by
        ? [
            [ax, ay],
            [bx, by],
          ]
        : [
            [bx, by],
            [ax, ay],
          ]; // prettier-ignore
    const slope = (endX - topX) / (end - top);
    for (let row = Math.max(0, Math.floor(top)); row < Math.min(this.height, Math.ceil(end)); row++) {
      const [from, to] = [Math.max(row, top), Math.min(row + 1, end)];
      this.#addRow(row, topX + (from - top) * slope, topX + (to - top) * slope, sign * (to - from));
    }
  }

  /** A piece within one row, cut at the borders of pixels: each part adds its share by where its middle is. */
  #addRow(row: number, a: number, b: number, area: number): void {
    const [least, most] = [Math.min(a, b), Math.max(a, b)];
    for (let pixel = Math.floor(least); pixel <= Math.floor(most); pixel++) {
      const [from, to] = [Math.max(pixel, least), Math.min(pixel + 1, most)];
      const part = most === least ? area : (area * (to - from)) / (most - least);
      const inside = pixel + 1 - (from + to) / 2;
      const at = row * this.#across + Math.min(this.width, Math.max(0, pixel));
      this.#steps[at] = (this.#steps[at] ?? 0) + part * inside;
      this.#steps[at + 1] = (this.#steps[at + 1] ?? 0) + part * (1 - inside);
    }
  }

  cover(): Float32Array {
    const { width, height } = this;
    const out = new Float32Array(width * height);
    for (let row = 0; row < height; row++)
      for (let x = 0, sum = 0; x < width; x++) {
        sum += this.#steps[row * this.#across + x] ?? 0;
        out[row * width + x] = Math.min(1, Math.abs(sum));
      }
    return out;
  }
}
