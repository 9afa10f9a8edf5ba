/**
 * @file Noisy linear imputation (Rong et al. 2022, ROAD): each removed pixel is the weighted mean of its neighbours, 1/6 beside and 1/12 at
 * corners, removed ones too.
 *
 * That is a linear system, symmetric and positive definite, solved by conjugate gradients. They are quick with fine detail and slow with
 * wide holes, so they start from a pyramid: each hole filled with what is around it at the scale at which something is.
 */
import type { Dense } from "../../array/dense.ts";

const neighbours: readonly (readonly [dy: number, dx: number, weight: number])[] = [-1, 0, 1].flatMap((dy) =>
  [-1, 0, 1].flatMap((dx) => (dy || dx ? [[dy, dx, dy && dx ? 1 / 12 : 1 / 6] as const] : [])),
);

/** The input, [C, H, W], with these pixels imputed, in every channel. */
export function impute(input: Dense, pixels: Uint32Array): Float32Array {
  const [channels, height, width] = input.dims;
  const system = new Holes(pixels, height, width);
  const out = input.data.slice();
  for (let c = 0; c < channels; c++) system.fill(out.subarray(c * height * width, (c + 1) * height * width));
  return out;
}

/** The unknown pixels of a plane, and their neighbours. */
class Holes {
  /** For each pixel its place among the unknown ones, or -1. */
  readonly #unknown: Int32Array;
  /** Eight neighbouring pixels of each unknown one, -1 outside of the picture. */
  readonly #beside: Int32Array;
  /** The weights of the neighbours that are there. */
  readonly #total: Float64Array;

  constructor(
    private readonly pixels: Uint32Array,
    private readonly height: number,
    private readonly width: number,
  ) {
    this.#unknown = new Int32Array(height * width).fill(-1);
    this.#beside = new Int32Array(pixels.length * 8).fill(-1);
    this.#total = new Float64Array(pixels.length);
    pixels.forEach((p, i) => {
      this.#unknown[p] = i;
      const [y, x] = [Math.floor(p / width), p % width];
      neighbours.forEach(([dy, dx, weight], k) => {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) return;
        this.#beside[i * 8 + k] = p + dy * width + dx;
        this.#total[i] += weight;
      });
    });
  }

  fill(plane: Float32Array): void {
    const known = new Uint8Array(plane.length).fill(1);
    for (const p of this.pixels) known[p] = 0;
    const start = pyramid(plane, known, this.height, this.width);
    const x = Float64Array.from(this.pixels, (p) => start[p]);
    this.#solve(x, this.#fromKnown(plane));
    this.pixels.forEach((p, i) => {
      plane[p] = x[i];
    });
  }

  /** What the known neighbours contribute. */
  #fromKnown(plane: Float32Array): Float64Array {
    const b = new Float64Array(this.pixels.length);
    for (let i = 0; i < b.length; i++)
      for (let k = 0; k < 8; k++) {
        const at = this.#beside[i * 8 + k];
        if (at >= 0 && this.#unknown[at] < 0) b[i] += neighbours[k][2] * plane[at];
      }
    return b;
  }

  #apply(x: Float64Array, out: Float64Array): void {
    for (let i = 0; i < x.length; i++) {
      let sum = this.#total[i] * x[i];
      for (let k = 0; k < 8; k++) {
        const at = this.#beside[i * 8 + k];
        if (at >= 0 && this.#unknown[at] >= 0) sum -= neighbours[k][2] * x[this.#unknown[at]];
      }
      out[i] = sum;
    }
  }

  /** Conjugate gradients from x to a residual of a thousandth of b. */
  #solve(x: Float64Array, b: Float64Array): void {
    const image = new Float64Array(x.length);
    this.#apply(x, image);
    const rest = b.map((v, i) => v - image[i]);
    const direction = rest.slice();
    const enough = dot(b, b) * 1e-6;
    let square = dot(rest, rest);
    for (let step = 0; square > enough && step < 1000; step++) {
      this.#apply(direction, image);
      const length = square / dot(direction, image);
      for (let i = 0; i < x.length; i++) {
        x[i] += length * direction[i];
        rest[i] -= length * image[i];
      }
      const next = dot(rest, rest);
      for (let i = 0; i < x.length; i++) direction[i] = rest[i] + (next / square) * direction[i];
      square = next;
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The plane with its unknown pixels taken from the half-sized plane of means of known ones, which is filled the same way. */
function pyramid(plane: Float32Array, known: Uint8Array, height: number, width: number): Float32Array {
  if (!known.includes(0) || (height === 1 && width === 1)) return plane;
  const [h, w] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const half = new Float32Array(h * w);
  const count = new Uint8Array(h * w);
  for (let p = 0; p < plane.length; p++) {
    if (!known[p]) continue;
    const q = (Math.floor(p / width) >> 1) * w + ((p % width) >> 1);
    half[q] += plane[p];
    count[q]++;
  }
  for (let q = 0; q < half.length; q++) if (count[q]) half[q] /= count[q];
  const filled = pyramid(half, count, h, w);
  return plane.map((v, p) => (known[p] ? v : filled[(Math.floor(p / width) >> 1) * w + ((p % width) >> 1)]));
}
