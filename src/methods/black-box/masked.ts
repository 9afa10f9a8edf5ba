/** @file Scores of a picture of which masks hide a part: of images, signals and volumes alike. */
import { product, range } from "../../onnx/dims.ts";
import type { Picture } from "../gradient/steps.ts";
import type { Question } from "../method.ts";

/** How far each place of a picture's grid is shown, 0 to 1, mask after mask. */
export interface Masking {
  /** What is seen where nothing is shown: a picture of the same form, 0 by default. */
  readonly hidden?: Float32Array;
  readonly count: number;
  /** [...grid]; asked for in order. */
  readonly of: (index: number) => Float32Array;
}

/** How far a method is with a picture, 0 to 1; true ends it with what there is. */
// biome-ignore lint/suspicious/noConfusingVoidType: progress says nothing
export type Report = (done: number) => boolean | void;

/** Tells how far a method is with one picture of several, as the share of all. */
export const ofPicture =
  ({ image, progress }: Pick<Question, "image" | "progress">, index: number): Report =>
  (done) =>
    progress((index + done) / (image.dims[0] ?? 1));

/**
 * Visits the scores of a picture under masks, in batches.
 * @param index of the picture
 * @param visit is given the score for each target
 * @param before is called in front of each run, with the share that is done
 * @returns how many masks were visited
 */
export async function underMasks(
  { respond, options: { batch } }: Pick<Question, "respond" | "options">,
  index: number,
  picture: Picture,
  { hidden, count, of }: Masking,
  visit: (mask: Float32Array, scores: readonly number[], m: number) => void,
  before: Report,
): Promise<number> {
  const size = picture.data.length;
  const places = product(picture.dims.slice(1));
  for (let first = 0; first < count; first += batch) {
    if (before(first / count)) return first;
    const masks = range(Math.min(batch, count - first)).map((b) => of(first + b));
    const data = new Float32Array(masks.length * size);
    for (const [b, mask] of masks.entries())
      for (let v = 0; v < size; v++) {
        const shown = mask[v % places];
        data[b * size + v] = picture.data[v] * shown + (hidden ? hidden[v] * (1 - shown) : 0);
      }
    const rows = await respond(index, { data, dims: [masks.length, ...picture.dims] });
    for (const [b, mask] of masks.entries())
      visit(
        mask,
        rows.map((row) => row[b]),
        first + b,
      );
  }
  return count;
}

/** The scores under masks, all of them: a row for each target. */
export async function scoresUnder(
  question: Pick<Question, "respond" | "options" | "k">,
  index: number,
  picture: Picture,
  masking: Masking,
  before: Report,
): Promise<Float64Array[]> {
  const rows = range(question.k).map(() => new Float64Array(masking.count));
  await underMasks(
    ...([question, index, picture, masking] as const),
    (_, scores, m) => {
      for (const [j, score] of scores.entries()) rows[j][m] = score;
    },
    before,
  );
  return rows;
}
