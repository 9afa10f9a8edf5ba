/** @file The search for a minimal sufficient set of cells, for each target of each picture. */
import { randomFor } from "../../array/random.ts";
import { product, range } from "../../onnx/dims.ts";
import { baselineOf } from "../gradient/baseline.ts";
import { picturesOf } from "../gradient/steps.ts";
import type { Explanation, Question } from "../method.ts";
import { blocks, mapsOfParts, spread } from "./cells.ts";
import { ofPicture, scoresUnder } from "./masked.ts";
import { type CellBox, dividedAt, responsibilities, type Sufficiency } from "./responsibility.ts";

/** Of the work for a picture, what finding responsibilities and growing the set take, about. */
const [responsibilityPart, growthPart] = [0.8, 0.9];

export async function sufficientSets(question: Question): Promise<Explanation> {
  const { options, image, k, progress } = question;
  const grid = image.dims.slice(2);
  const along = grid.map((length) => Math.min(length, Number(options.cells)));
  const parts = blocks(grid, along);
  const rows: { parts: typeof parts; values: Float64Array }[] = [];
  for (const [i, picture] of picturesOf(question).entries()) {
    const hidden = baselineOf(picture, options.baseline);
    const tell = ofPicture(question, i);
    /** Scores of sets of cells for each target. */
    const scoresOf = (sets: readonly Uint8Array[], done: number) =>
      scoresUnder(question, i, picture, { hidden, count: sets.length, of: (s) => spread(parts, sets[s]) }, () =>
        tell(done),
      );
    const ends = await scoresOf([new Uint8Array(parts.count), new Uint8Array(parts.count).fill(1)], 0);
    for (const j of range(k)) {
      const [none, all] = ends[j];
      const threshold = none + Number(options.keep) * (all - none);
      const suffice: Sufficiency = async (sets, done) => {
        const scores = (await scoresOf(sets, (j + done) / k))[j];
        return { scores, sufficient: (s) => scores[s] >= threshold };
      };
      const found = all > none ? await minimalSet(along, options, suffice) : new Float64Array(parts.count);
      rows.push({ parts, values: found });
    }
  }
  progress(1);
  return { maps: mapsOfParts(grid, rows) };
}

/** How responsible each cell of a minimal sufficient set is, and 0 elsewhere. */
async function minimalSet(
  along: readonly number[],
  { samples, seed, batch }: Question["options"],
  suffice: Sufficiency,
): Promise<Float64Array> {
  const cells = product(along);
  const responsible = new Float64Array(cells);
  const random = randomFor("minimal-sufficient", seed);
  const whole: CellBox = along.map((length) => [0, length] as const);
  for (const s of range(samples)) {
    const divide = (box: CellBox) => dividedAt(box, (least, most) => least + random.below(most - least));
    const found = await responsibilities(whole, cells, along, divide, (sets) =>
      suffice(sets, (responsibilityPart * s) / samples),
    );
    for (const c of range(cells)) responsible[c] += found[c] / samples;
  }
  const order = range(cells).sort((a, b) => responsible[b] - responsible[a] || a - b);
  const set = await firstSufficient(order, batch, suffice);
  await leaveOut(set, order, suffice);
  const size = set.reduce((sum, one) => sum + one, 0);
  // With all else hidden, hiding any cell of the set ends sufficiency: it is responsible at least so far.
  const least = 1 / (1 + cells - size);
  return responsible.map((value, c) => (set[c] ? Math.max(value, least) : 0));
}

/** The first cells in an order that suffice. */
async function firstSufficient(order: readonly number[], batch: number, suffice: Sufficiency): Promise<Uint8Array> {
  const cells = order.length;
  const firstOf = (count: number) => {
    const set = new Uint8Array(cells);
    for (const cell of order.slice(0, count)) set[cell] = 1;
    return set;
  };
  for (let first = 1; first < cells; first += batch) {
    const sets = range(Math.min(batch, cells - first)).map((b) => firstOf(first + b));
    const done = responsibilityPart + ((growthPart - responsibilityPart) * first) / cells;
    const { sufficient } = await suffice(sets, done);
    const found = sets.find((_, s) => sufficient(s));
    if (found) return found;
  }
  return firstOf(cells);
}

/** Leaves cells out of a set, the last in the order first, until none can be. */
async function leaveOut(set: Uint8Array, order: readonly number[], suffice: Sufficiency): Promise<void> {
  for (let changed = true; changed; ) {
    changed = false;
    for (const cell of order.toReversed()) {
      if (!set[cell]) continue;
      set[cell] = 0;
      const { sufficient } = await suffice([set.slice()], growthPart);
      if (sufficient(0)) changed = true;
      else set[cell] = 1;
    }
  }
}
