/** @file Sobol and HSIC attribution: masks of cells, and what the scores under them say of each cell. */
import { randomFor, shuffle } from "../../array/random.ts";
import { sobolDimensions, sobolSequence } from "../../array/sobol-sequence.ts";
import { quantile } from "../../array/statistics.ts";
import { UserError } from "../../errors.ts";
import { range } from "../../onnx/dims.ts";
import { baselineOf } from "../gradient/baseline.ts";
import { picturesOf } from "../gradient/steps.ts";
import type { Explanation, Question } from "../method.ts";
import { blocks, mapsOfParts, rowAt, spread } from "./cells.ts";
import { ofPicture, scoresUnder } from "./masked.ts";

/** How far each cell is shown, a row for each mask. */
interface Design {
  readonly masks: Float64Array;
  readonly cells: number;
}

/** What the scores under the masks say of each cell. */
type Index = (design: Design, scores: Float64Array) => Float64Array;

export async function sobolOf(question: Question): Promise<Explanation> {
  const { cells, samples } = question.options;
  const axes = question.image.dims.length - 2;
  const count = Number(cells) ** axes;
  const most = Math.floor((sobolDimensions / 2) ** (1 / axes) + 1e-9);
  if (Number(cells) > most)
    throw new UserError(
      "invalid-option",
      `invalid option cells of sobol: ${cells} along each of ${axes} axes are ${count} cells, and the sequence serves ${sobolDimensions / 2}; allowed is an integer from 1 to ${most}`,
    );
  return byCells(question, sobolDesign(count, samples), totalIndices);
}

export const hsicOf = (question: Question): Promise<Explanation> => {
  const { cells, samples, seed } = question.options;
  const count = Number(cells) ** (question.image.dims.length - 2);
  return byCells(question, halfShown(count, samples, seed), dependences);
};

async function byCells(question: Question, design: Design, index: Index): Promise<Explanation> {
  const { options, image, progress } = question;
  const grid = image.dims.slice(2);
  const parts = blocks(
    grid,
    grid.map(() => Number(options.cells)),
  );
  const rows: { parts: typeof parts; values: Float64Array }[] = [];
  for (const [i, picture] of picturesOf(question).entries()) {
    const masking = {
      hidden: baselineOf(picture, options.baseline),
      count: design.masks.length / design.cells,
      of: (m: number) => spread(parts, rowAt(design.masks, design.cells, m)),
    };
    const scores = await scoresUnder(question, i, picture, masking, ofPicture(question, i));
    rows.push(...scores.map((ofTarget) => ({ parts, values: index(design, ofTarget) })));
  }
  progress(1);
  return { maps: mapsOfParts(grid, rows) };
}

/** N masks A, and for each cell the same with that cell's values of B. */
export function sobolDesign(cells: number, samples: number): Design {
  const points = sobolSequence(2 * cells, samples);
  const masks = new Float64Array(samples * (cells + 1) * cells);
  for (const block of range(cells + 1))
    for (const n of range(samples)) {
      const row = rowAt(masks, cells, block * samples + n);
      const point = rowAt(points, 2 * cells, n);
      row.set(point.subarray(0, cells));
      if (block > 0) row[block - 1] = point[cells + block - 1];
    }
  return { masks, cells };
}

/** Total Sobol indices by Jansen's estimator: a score that A does not change has no variance to be shared out. */
export const totalIndices: Index = ({ cells }, scores) => {
  const samples = scores.length / (cells + 1);
  const a = scores.subarray(0, samples);
  const mean = a.reduce((sum, y) => sum + y, 0) / samples;
  const variance = a.reduce((sum, y) => sum + (y - mean) ** 2, 0) / (samples - 1);
  return Float64Array.from(range(cells), (i) => {
    let squares = 0;
    for (const n of range(samples)) squares += (a[n] - scores[(i + 1) * samples + n]) ** 2;
    return variance > 0 ? squares / (2 * samples * variance) : 0;
  });
};

/** Masks of which each shows about half of the cells, and each cell is shown in half: a Latin hypercube, cut in the middle. */
function halfShown(cells: number, samples: number, seed: number): Design {
  const random = randomFor("hsic", seed);
  const masks = new Float64Array(samples * cells);
  for (const cell of range(cells)) {
    const column = range(samples).map((s) => (s + random.uniform() < samples / 2 ? 0 : 1));
    shuffle(column, random.uniform);
    for (const [m, shown] of column.entries()) masks[m * cells + cell] = shown;
  }
  return { masks, cells };
}

/** The criterion of each cell; of scores that are all alike, 0. */
export const dependences: Index = ({ masks, cells }, scores) => {
  const count = scores.length;
  const width = medianDistance(scores);
  const alike = new Float64Array(count * count);
  for (let a = 0; a < count; a++)
    for (let b = 0; b < count; b++)
      alike[a * count + b] = width > 0 ? Math.exp(-((scores[a] - scores[b]) ** 2) / (2 * width ** 2)) : 1;
  return Float64Array.from(range(cells), (cell) => {
    const shown = Float64Array.from({ length: count }, (_, m) => masks[m * cells + cell]);
    const mean = shown.reduce((sum, one) => sum + one, 0) / count;
    let sum = 0;
    for (let a = 0; a < count; a++) {
      let row = 0;
      for (let b = 0; b < count; b++) row += alike[a * count + b] * (shown[b] - mean);
      sum += row * (shown[a] - mean);
    }
    return Math.max(0, (2 * sum) / count ** 2);
  });
};

/** The median of the distances of two scores; where more than half of them are alike, the mean. */
function medianDistance(scores: Float64Array): number {
  const distances = new Float64Array((scores.length * (scores.length - 1)) / 2);
  let at = 0;
  for (let a = 0; a < scores.length; a++) for (let b = 0; b < a; b++) distances[at++] = Math.abs(scores[a] - scores[b]);
  distances.sort();
  return quantile(distances, 0.5) || distances.reduce((sum, one) => sum + one, 0) / distances.length;
}
