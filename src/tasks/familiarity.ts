/**
 * @file Whether a picture looks like those that a model was trained on, by its colours.
 *
 * A network of drawn scenes says something of a photograph, too, and nothing in its scores or features tells that it means little. The
 * colours do: a model's `preprocessor_config.json` may hold, beside their mean and standard deviation, the histogram of its pictures' colours. A
 * picture's surprise is the mean of -ln p over its cells, 48 x 48 means of pixels, which neither size nor noise changes.
 */
import { isRecord, present } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import type { Warning } from "../read/decision.ts";

export interface Familiarity {
  /** What the pictures are, in words. */
  readonly pictures: string;
  /** Steps of each of red, green and blue. */
  readonly levels: number;
  /** Of each colour, (red * levels + green) * levels + blue: the natural logarithm of its share of the cells. */
  readonly logShares: Float64Array;
  /** What is more surprising is not such a picture. */
  readonly most: number;
}

const side = 48;
/** The count of a colour that was never seen. */
const unseen = 0.05;

export function coloursOf({ width, height, data }: Picture, levels: number): Uint32Array {
  const span = (cell: number, length: number): [number, number] => {
    const from = Math.floor((cell * length) / side);
    return [from, Math.max(from + 1, Math.floor(((cell + 1) * length) / side))];
  };
  return Uint32Array.from({ length: side * side }, (_, cell) => {
    const [[top, bottom], [left, right]] = [span(Math.floor(cell / side), height), span(cell % side, width)];
    const full = 256 * (bottom - top) * (right - left);
    let colour = 0;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[(y * width + x) * 3 + c] ?? 0;
      colour = colour * levels + Math.floor((sum * levels) / full);
    }
    return colour;
  });
}

/** @param counts of colours, colour and count by turns, as they are kept in `preprocessor_config.json` */
export function familiarity(pictures: string, levels: number, counts: readonly number[], most: number): Familiarity {
  const all = new Float64Array(levels ** 3).fill(unseen);
  for (let i = 0; i + 1 < counts.length; i += 2) {
    const [colour = -1, count = 0] = counts.slice(i, i + 2);
    if (colour in all) all[colour] = (all[colour] ?? unseen) + count;
  }
  const total = all.reduce((sum, count) => sum + count, 0);
  return { pictures, levels, logShares: all.map((count) => Math.log(count / total)), most };
}

/** What a preprocessor's configuration says of it; undefined where it says nothing, or something else. */
export function statedFamiliarity(stated: unknown): Familiarity | undefined {
  const said = isRecord(stated) ? stated.familiar_colours : undefined;
  if (!isRecord(said)) return;
  const { pictures, levels, counts, most } = said;
  const sound =
    typeof pictures === "string" &&
    (levels === 8 || levels === 12 || levels === 16) &&
    Array.isArray(counts) &&
    counts.every((count) => Number.isInteger(count) && count >= 0) &&
    typeof most === "number";
  return sound ? familiarity(pictures, levels, counts, most) : undefined;
}

export function surprise(seen: Picture, { levels, logShares }: Familiarity): number {
  return coloursOf(seen, levels).reduce(
    (sum, colour) => sum - present(logShares[colour], "a colour's share") / side ** 2,
    0,
  );
}

export function unfamiliar(seen: Picture, known: Familiarity | undefined): Warning[] {
  if (!known || surprise(seen, known) <= known.most) return [];
  const text = `The image is unlike the model's training data, ${known.pictures}: its output means little.`;
  return [{ code: "unfamiliar-picture", text }];
}
