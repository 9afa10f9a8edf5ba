/** @file The size of every picture that is prepared, where all have one. */
import { picture as blank } from "./picture.ts";
import { type Preprocess, preprocess } from "./preprocess.ts";

/** The input of every picture, without the batch; undefined where each keeps a size of its own. */
export function preparedDims(how: Preprocess): readonly number[] | undefined {
  const [one, other] = [blank(64, 64), blank(96, 32)].map((picture) => preprocess(picture, how).dims);
  return String(one) === String(other) ? one : undefined;
}
