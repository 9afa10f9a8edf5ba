/**
 * @file Generating a sentence: greedy, or by beam search as `transformers` does it (length penalty 1, no early stopping).
 *
 * A beam's score is the mean log-probability of its tokens. Sentences that end are kept, best first; the search is over when the best that
 * could still come is no better than the worst kept.
 */
import { present } from "../../errors.ts";
import { bestClasses } from "../../explain/target.ts";
import { logSumExp } from "../../explain/word-scores.ts";
import { range } from "../../onnx/dims.ts";

/** The scores of the next word, before any softmax, after each of some sentences of one length, the start among them. */
export type NextWord = (sentences: readonly (readonly number[])[]) => Promise<Float32Array[]>;

export interface GenerateOptions {
  readonly start: readonly number[];
  readonly end: number;
  /** Words at most, the end among them. */
  readonly most: number;
  /** How many sentences the search keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
  /** How many sentences are wanted, at most as many as beams. */
  readonly count?: number;
  readonly signal?: () => void;
}

interface Beam {
  readonly words: readonly number[];
  /** The sum of the words' log-probabilities. */
  readonly score: number;
}

/** The best sentences, the best first: the words after the start, with the end where the model gave one. */
export async function generate(
  next: NextWord,
  { start, end, most, beams = 1, count = 1, signal }: GenerateOptions,
): Promise<number[][]> {
  let live: Beam[] = [{ words: start, score: 0 }];
  let done: Beam[] = [];
  const mean = ({ words, score }: Beam) => score / (words.length - start.length);
  for (const length of range(most).map((i) => i + 1)) {
    signal?.();
    const scores = await next(live.map(({ words }) => words));
    const best = live
      .flatMap((beam, i) => continuations(beam, present(scores[i], "a row of scores"), 2 * beams))
      .sort((a, b) => b.score - a.score)
      .slice(0, 2 * beams);
    const ended = best.filter(({ words }, rank) => words.at(-1) === end && rank < beams);
    done = [...done, ...ended].sort((a, b) => mean(b) - mean(a)).slice(0, beams);
    live = best.filter(({ words }) => words.at(-1) !== end).slice(0, beams);
    const worst = done.at(-1);
    if (done.length === beams && worst && live.every(({ score }) => score / length <= mean(worst))) break;
    if (length === most) done.push(...live);
  }
  const best = done.sort((a, b) => mean(b) - mean(a)).slice(0, count);
  return best.map(({ words }) => words.slice(start.length));
}

/** A beam with each of its `count` likeliest next words. */
function continuations({ words, score }: Beam, scores: Float32Array, count: number): Beam[] {
  const total = logSumExp(scores);
  const likeliest = bestClasses(scores, count);
  return likeliest.map((word) => ({
    words: [...words, word],
    score: score + present(scores[word], "a score") - total,
  }));
}
