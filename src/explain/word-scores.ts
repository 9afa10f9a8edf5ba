/**
 * @file Scores of words: their log-probabilities and the gradients of these.
 *
 *   log p(w_t) = z_t[w_t] - log sum_v exp z_t[v],    d log p(w_t) / d z_t = onehot(w_t) - softmax(z_t)
 */
import type { Dense } from "../array/dense.ts";
import { present, UserError } from "../errors.ts";

export interface WordScores {
  readonly words: readonly number[];
  /** Natural logarithms, one for each word. */
  readonly logProbabilities: Float32Array;
  /** d(log-probability of word t) / d(scores at t), [1, T, words]; 0 at places behind the sentence. */
  readonly cotangent: Dense;
}

/** @param words the word at each place; the scores are those of the last of at least as many places. `offset`: the place of the first. */
export function wordScores({ data, dims }: Dense, words: readonly number[], offset: number): WordScores {
  const vocabulary = present(dims.at(-1), "a score");
  const cotangent = new Float32Array(data.length);
  const logProbabilities = Float32Array.from(words, (word, t) => {
    if (word >= vocabulary)
      throw new UserError("invalid-input", `invalid token: ${word}; the model scores tokens 0 to ${vocabulary - 1}`);
    const from = (offset + t) * vocabulary;
    const row = data.subarray(from, from + vocabulary);
    const total = logSumExp(row);
    let others = 0;
    for (let v = 0; v < vocabulary; v++) {
      const probability = Math.exp(present(row[v], "a score") - total);
      cotangent[from + v] = -probability;
      if (v !== word) others += probability;
    }
    cotangent[from + word] = others; // 1 minus its own would lose a nearly certain word's digits
    return present(row[word], "a score") - total;
  });
  return { words, logProbabilities, cotangent: { data: cotangent, dims } };
}

export function logSumExp(row: Float32Array): number {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const z of row) sum += Math.exp(z - most);
  return most + Math.log(sum);
}
