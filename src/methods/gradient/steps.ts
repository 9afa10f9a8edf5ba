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
  of(picture: Picture): (step: number) => PathStep;
}

/** Visits the gradients of each target, at one variant after the other; a row is a target of a picture, as the maps have them. */
export async function eachGradient(
  question: Question,
  { count, of }: Steps,
  visit: (row: number, gradient: Float32Array, step: PathStep) => void,
): Promise<void> {
  const {
    k,
    atInputs,
    progress,
    options: { batch },
  } = question;
  const pictures = picturesOf(question);
  for (const [i, picture] of pictures.entries()) {
    const stepAt = of(picture);
    const size = picture.data.length;
    for (let first = 0; first < count; first += batch) {
      progress((i * count + first) / (pictures.length * count));
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
  progress(1);
}

/** sum over the variants of their factor times their gradient, and times one number, as the signed image and its map. */
export async function summed(question: Question, steps: Steps, scale = 1): Promise<Explanation> {
  const { image, k } = question;
  const size = image.data.length / (image.dims[0] ?? 1);
  const sums = new Float64Array(image.data.length * k);
  await eachGradient(question, steps, (row, gradient, { by }) => {
    const from = row * size;
    for (let p = 0; p < size; p++) sums[from + p] += by ? gradient[p] * by[p] : gradient[p];
  });
  return explanation(
    question,
    sums.map((sum) => sum * scale),
  );
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
