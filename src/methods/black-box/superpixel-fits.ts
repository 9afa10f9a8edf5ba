/** @file LIME and KernelSHAP: which superpixels are shown in each sample, and what the scores say of each of them. */
import { leastSquares, regression } from "../../array/least-squares.ts";
import { randomFor, uniformFrom } from "../../array/random.ts";
import { UserError } from "../../errors.ts";
import { range } from "../../onnx/dims.ts";
import { baselineOf } from "../gradient/baseline.ts";
import { picturesOf } from "../gradient/steps.ts";
import type { Explanation, MethodOptions, Question } from "../method.ts";
import { mapsOfParts, rowAt, spread, superpixels } from "./cells.ts";
import { ofPicture, scoresUnder } from "./masked.ts";

/** Which of some superpixels are shown, a row of 0 and 1 for each sample, and how much the sample counts. */
export interface Samples {
  readonly shown: Uint8Array;
  readonly columns: number;
  readonly weights: Float64Array;
}

/** What a superpixel adds, by the scores of samples. */
type Fit = (samples: Samples, scores: Float64Array) => Float64Array;

export const limeOf = (question: Question): Promise<Explanation> => fitted(question, limeSamples, limeFit);
export const kernelShapOf = (question: Question): Promise<Explanation> => fitted(question, shapSamples, shapleyValues);

async function fitted(
  question: Question,
  draw: (columns: number, options: MethodOptions) => Samples,
  valuesOf: Fit,
): Promise<Explanation> {
  const { options, progress } = question;
  const { segments, compactness, baseline } = options;
  const pictures = picturesOf(question);
  const divided = pictures.map((picture) => superpixels(picture, Number(segments), Number(compactness)));
  const drawn = divided.map(({ count }) => draw(count, options));
  const rows: { parts: (typeof divided)[number]; values: Float64Array }[] = [];
  for (const [i, picture] of pictures.entries()) {
    const [parts, samples] = [divided[i], drawn[i]];
    const masking = {
      hidden: baselineOf(picture, baseline),
      count: samples.weights.length,
      of: (s: number) => spread(parts, rowAt(samples.shown, samples.columns, s)),
    };
    const scores = await scoresUnder(question, i, picture, masking, ofPicture(question, i));
    rows.push(...scores.map((ofTarget) => ({ parts, values: valuesOf(samples, ofTarget) })));
  }
  progress(1);
  return { maps: mapsOfParts(question.image.dims.slice(2), rows) };
}

/** The whole picture, and samples that show each superpixel with probability 1/2. */
function limeSamples(columns: number, { samples, seed, width }: MethodOptions): Samples {
  const uniform = uniformFrom(seed);
  const shown = Uint8Array.from({ length: samples * columns }, (_, at) => (at < columns || uniform() < 0.5 ? 1 : 0));
  return { shown, columns, weights: limeWeights(shown, columns, Number(width)) };
}

/** How much each sample counts: the less, the more is hidden. */
export const limeWeights = (shown: Uint8Array, columns: number, width: number): Float64Array =>
  Float64Array.from(range(shown.length / columns), (s) => {
    const cosine = Math.sqrt(countOf(rowAt(shown, columns, s)) / columns);
    return Math.exp(-((1 - cosine) ** 2) / width ** 2 / 2);
  });

export const limeFit: Fit = ({ shown, columns, weights }, measured) =>
  regression({ quantities: Float64Array.from(shown), columns, measured, weights }, 1);

const countOf = (row: Uint8Array): number => row.reduce((sum, one) => sum + one, 0);

/** Nothing, everything, and subsets: all of them, or draws. */
function shapSamples(columns: number, { samples, seed }: MethodOptions): Samples {
  const ends = [new Uint8Array(columns), new Uint8Array(columns).fill(1)];
  const all = columns <= 20 && 2 ** columns - 2 <= samples;
  if (!all && samples < columns)
    throw new UserError(
      "invalid-option",
      `invalid option samples of kernel-shap: ${samples} are less than the ${columns} superpixels; allowed is an integer of at least ${columns}`,
    );
  const subsets = all ? everySubset(columns) : drawnSubsets(columns, samples, seed);
  const rows = [...ends, ...subsets];
  const shown = new Uint8Array(rows.length * columns);
  for (const [r, row] of rows.entries()) shown.set(row, r * columns);
  const weights = Float64Array.from(rows, (row, r) => (r < 2 ? 0 : all ? kernel(columns, countOf(row)) : 1));
  return { shown, columns, weights };
}

const everySubset = (columns: number): Uint8Array[] =>
  range(2 ** columns - 2).map((bits) => Uint8Array.from(range(columns), (j) => ((bits + 1) >> j) & 1));

/** Subsets whose size is drawn by the kernel's sum over it, 1 / (size (M - size)), each followed by its complement. */
function drawnSubsets(columns: number, count: number, seed: number): Uint8Array[] {
  const random = randomFor("kernel-shap", seed);
  const sizes = range(columns - 1).map((i) => 1 / ((i + 1) * (columns - i - 1)));
  const total = sizes.reduce((sum, one) => sum + one, 0);
  const rows: Uint8Array[] = [];
  while (rows.length < count) {
    let [left, size] = [random.uniform() * total, 0];
    while (size < sizes.length - 1 && left >= sizes[size]) left -= sizes[size++];
    const row = new Uint8Array(columns);
    for (const j of random.choose(size + 1, columns)) row[j] = 1;
    rows.push(
      row,
      row.map((one) => 1 - one),
    );
  }
  return rows.slice(0, count);
}

/** The Shapley kernel of a subset of so many. */
function kernel(columns: number, size: number): number {
  let ways = 1;
  for (let i = 1; i <= size; i++) ways *= (columns - size + i) / i;
  return (columns - 1) / (ways * size * (columns - size));
}

/**
 * The fit under the constraint that the values sum to the difference of everything and nothing, the first two samples: the last superpixel
 * gets what the others leave.
 */
export const shapleyValues: Fit = ({ shown, columns, weights }, scores) => {
  const [none, difference] = [scores[0], scores[1] - scores[0]];
  const others = columns - 1;
  const rows = range(scores.length).map((s) => rowAt(shown, columns, s));
  const quantities = Float64Array.from(rows.flatMap((row) => range(others).map((j) => row[j] - row[others])));
  const measured = Float64Array.from(rows, (row, s) => scores[s] - none - row[others] * difference);
  const values = leastSquares({ quantities, columns: others, measured, weights });
  return Float64Array.from([...values, difference - values.reduce((sum, value) => sum + value, 0)]);
};
