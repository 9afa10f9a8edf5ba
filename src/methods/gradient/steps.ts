/** @file What methods share that take the gradient at many variants of a picture: the walk over them, in batches, and the signed image. */
import type { Dense } from "../../array/dense.ts";
import { product, range } from "../../onnx/dims.ts";
import type { Explanation, Question } from "../method.ts";
import { strongestChannel } from "../pixels.ts";

/** A picture, [C, ...grid]. */
export interface Picture {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** The pictures that are asked about. */
export function picturesOf({ image }: Pick<Question, "image">): Picture[] {
  const [n = 0, ...dims] = image.dims;
  const size = product(dims);
  return range(n).map((i) => ({ data: image.data.subarray(i * size, (i + 1) * size), dims }));
}

/** The least and the largest value of a picture. */
export function rangeOf({ data }: Picture): { readonly least: number; readonly most: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}

/** A variant of a picture, and by what its gradient is multiplied. */
export interface PathStep {
  readonly at: Float32Array;
  /** A factor for each value; 1 by default. */
  readonly by?: Float32Array;
}

/** What is done along a picture's variants: their number, and each by its index; they are asked for in order. */
export interface Steps {
  readonly count: number;
  /** Whether the steps are samples of a mean, of which some are enough where the caller has cancelled. */
  readonly samples?: true;
  of(picture: Picture): (step: number) => PathStep;
}

/**
 * Visits the gradients of each target, at one variant after the other; a row is a target of a picture, as the maps have them.
 * @returns how many of the last picture's variants were visited: fewer than there are only where the caller wants what there is
 */
export async function eachGradient(
  question: Question,
  { count, of, samples }: Steps,
  visit: (row: number, gradient: Float32Array, step: PathStep) => void,
): Promise<number> {
  const {
    k,
    atInputs,
    progress,
    enough,
    options: { batch },
  } = question;
  const pictures = picturesOf(question);
  for (const [i, picture] of pictures.entries()) {
    const stepAt = of(picture);
    const size = picture.data.length;
    for (let first = 0; first < count; first += batch) {
      const done = (i * count + first) / (pictures.length * count);
      // What is divided by the number of samples is so for every picture alike.
      if (!samples || pictures.length > 1) progress(done);
      else if (enough(done)) return first;
      const steps = range(Math.min(batch, count - first)).map((s) => stepAt(first + s));
      const data = new Float32Array(steps.length * size);
      for (const [s, { at }] of steps.entries()) data.set(at, s * size);
      const gradients = await atInputs(i, { data, dims: [steps.length, ...picture.dims] }, "plain");
      for (const [s, step] of steps.entries())
        for (const j of range(k)) {
          const from = (s * k + j) * size;
          visit(i * k + j, gradients.data.subarray(from, from + size), step);
        }
    }
  }
  if (!samples || pictures.length > 1) progress(1);
  return count;
}

/** sum over the variants of their factor times their gradient, and times one number, or its mean where they are samples, as the signed image and its map. */
export async function summed(question: Question, steps: Steps, times = 1): Promise<Explanation> {
  const { image, k } = question;
  const size = image.data.length / (image.dims[0] ?? 1);
  const sums = new Float64Array(image.data.length * k);
  const visited = await eachGradient(question, steps, (row, gradient, { by }) => {
    const from = row * size;
    for (let p = 0; p < size; p++) sums[from + p] += by ? gradient[p] * by[p] : gradient[p];
  });
  const scale = steps.samples ? 1 / visited : times;
  const values = sums.map((sum) => sum * scale);
  return { ...explanation(question, values), ...(visited < steps.count && { partial: true }) };
}

/** A signed image of every target, [m, C, ...], with its map. */
export function explanation({ image, k }: Question, values: Float64Array): Explanation {
  const [n = 0, ...dims] = image.dims;
  const pixels: Dense = { data: Float32Array.from(values), dims: [n * k, ...dims] };
  return { maps: strongestChannel(pixels), pixels };
}

/** The picture times its gradient. */
export async function timesGradient(question: Question): Promise<Explanation> {
  const { data } = await question.atInput("plain");
  const pictures = picturesOf(question);
  const values = Float64Array.from(data);
  const size = pictures[0]?.data.length ?? 0;
  for (let row = 0; row * size < values.length; row++) {
    const picture = pictures[Math.floor(row / question.k)]?.data ?? [];
    for (let p = 0; p < size; p++) values[row * size + p] *= picture[p] ?? 0;
  }
  return explanation(question, values);
}
