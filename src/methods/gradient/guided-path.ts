/** @file The paths of Guided IG (Kapishnikov et al. 2021, arXiv 2106.09788, algorithm 1). */
import { present } from "../../errors.ts";
import { range } from "../../onnx/dims.ts";
import type { Explanation, Question } from "../method.ts";
import { baselineOf } from "./baseline.ts";
import { explanation, picturesOf } from "./steps.ts";

/** How many pixels are moved at once, and how far from the straight path they may be. */
const [fraction, farthest] = [0.25, 0.02];
const tolerance = 1e-9;

export async function alongGuidedPaths(question: Question): Promise<Explanation> {
  const { image, k, atInputs, progress, options } = question;
  const { steps, baseline } = options;
  const pictures = picturesOf(question);
  const values = new Float64Array(image.data.length * k);
  for (const [i, picture] of pictures.entries()) {
    const size = picture.data.length;
    const start = baselineOf(picture, baseline);
    // Each target has a path of its own; those of a picture go side by side.
    const paths = range(k).map(() => new GuidedPath(picture.data, start));
    for (const step of range(steps)) {
      progress((i * steps + step) / (pictures.length * steps));
      const data = new Float32Array(k * size);
      for (const [j, { at }] of paths.entries()) data.set(at, j * size);
      const gradients = await atInputs(i, { data, dims: [k, ...picture.dims] }, "plain", range(k));
      for (const [j, path] of paths.entries())
        path.advance(gradients.data.subarray(j * size, (j + 1) * size), (step + 1) / steps);
    }
    for (const [j, { sums }] of paths.entries()) values.set(sums, (i * k + j) * size);
  }
  progress(1);
  return explanation(question, values);
}

/** Where a path is, and what has been summed up on it. */
class GuidedPath {
  readonly at: Float64Array;
  readonly sums: Float64Array;
  readonly #way: Float64Array;
  readonly #length: number;

  constructor(
    private readonly end: Float32Array,
    private readonly start: Float32Array,
  ) {
    this.at = Float64Array.from(start);
    this.sums = new Float64Array(end.length);
    this.#way = Float64Array.from(end, (value, p) => value - start[p]);
    this.#length = this.#way.reduce((sum, value) => sum + Math.abs(value), 0);
  }

  /** Goes on until a share of the whole way is done, by the gradient where it stands. */
  advance(gradient: Float32Array, share: number): void {
    if (this.#length === 0) return;
    const target = this.#length * (1 - share);
    const [low, high] = [this.#straight(Math.max(share - farthest, 0)), this.#straight(Math.min(share + farthest, 1))];
    this.#catchUp(gradient, low);
    const steep = Float64Array.from(gradient, Math.abs);
    for (;;) {
      const left = this.#left();
      if (left - target <= tolerance * Math.max(1, left, target)) return;
      for (let p = 0; p < steep.length; p++) if (this.at[p] === high[p]) steep[p] = Number.POSITIVE_INFINITY;
      const threshold = lowerQuantile(steep, fraction);
      const isMoved = (p: number) => steep[p] <= threshold && steep[p] < Number.POSITIVE_INFINITY;
      let room = 0;
      for (let p = 0; p < steep.length; p++) if (isMoved(p)) room += Math.abs(this.at[p] - high[p]);
      if (room === 0) return; // only rounding is left
      const part = (left - target) / room;
      for (let p = 0; p < steep.length; p++)
        if (isMoved(p)) this.#move(p, part > 1 ? high[p] : this.at[p] + (high[p] - this.at[p]) * part, gradient);
      if (part <= 1) return;
    }
  }

  /** The point of the straight path at a share of it. */
  #straight(share: number): Float64Array {
    return this.#way.map((way, p) => this.start[p] + way * share);
  }

  /** Pixels that are too far behind the straight path are brought up to where they may be. */
  #catchUp(gradient: Float32Array, low: Float64Array): void {
    for (let p = 0; p < low.length; p++) {
      const behind = (low[p] - this.at[p]) * Math.sign(this.#way[p]);
      if (behind > 0) this.#move(p, low[p], gradient);
    }
  }

  #move(p: number, to: number, gradient: Float32Array): void {
    this.sums[p] += (to - this.at[p]) * gradient[p];
    this.at[p] = to;
  }

  #left(): number {
    let sum = 0;
    for (let p = 0; p < this.at.length; p++) sum += Math.abs(this.end[p] - this.at[p]);
    return sum;
  }
}

/** The value below which a part of all values lies: one of them, the lower where the part falls between two. */
export function lowerQuantile(values: Float64Array, part: number): number {
  const rest = values.slice();
  const wanted = Math.floor(part * (rest.length - 1));
  for (let [low, high] = [0, rest.length - 1]; low < high; ) {
    const pivot = present(rest[(low + high) >> 1], "a pivot");
    let [i, j] = [low, high];
    while (i <= j) {
      while (rest[i] < pivot) i++;
      while (rest[j] > pivot) j--;
      if (i <= j) {
        [rest[i], rest[j]] = [rest[j], rest[i]];
        i++;
        j--;
      }
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return present(rest[wanted], "a quantile");
}
