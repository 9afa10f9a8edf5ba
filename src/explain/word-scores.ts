/**
 * @file Scores of words: their log-probabilities, and the tensor behind which each word's scores are its own.
 *
 *   log p(w_t) = z_t[w_t] - log sum_v exp z_t[v],    d log p(w_t) / d z_t = onehot(w_t) - softmax(z_t)
 */
import type { Dense } from "../methods/method.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";

/**
 * The last tensor [n, T, channels] in front of the scores [n, T, words] behind which every word is treated alone, by constants: weights of
 * words can be applied there as well as to the scores, and a vocabulary is wide. The scores themselves where there is none.
 */
export function wordStates(model: Model, tensors: Observed, scores: string): string {
  const sequence = (name: string) => tensors.get(name)?.dims.length === 3;
  let at = scores;
  let best = scores;
  for (;;) {
    const node = model.producer.get(at);
    const [first, second] = node?.input ?? [];
    if (!node || (model.consumers.get(first)?.length ?? 0) > 1) return best;
    if (node.opType === "Identity" || node.opType === "Cast") at = first;
    else if (node.opType === "Add" && model.constants.has(first)) at = second;
    else if (["Add", "Mul", "Div"].includes(node.opType) && model.constants.has(second)) at = first;
    else if (node.opType === "MatMul" && model.constants.has(second) && sequence(first)) {
      at = first;
      best = first;
    } else return best;
  }
}

/** What the model gave a sentence, word by word. */
export interface WordScores {
  readonly words: readonly number[];
  /** Natural logarithms, one for each word. */
  readonly logProbabilities: Float32Array;
  /** d(log-probability of word t) / d(scores at t), [1, T, words]; 0 at places behind the sentence. */
  readonly cotangent: Dense;
}

/** @param words the word at each place; the scores are those of the last of at least as many places. `offset`: the place of the first. */
export function wordScores({ data, dims }: Dense, words: readonly number[], offset: number): WordScores {
  const vocabulary = dims[dims.length - 1];
  const cotangent = new Float32Array(data.length);
  const logProbabilities = Float32Array.from(words, (word, t) => {
    const from = (offset + t) * vocabulary;
    const row = data.subarray(from, from + vocabulary);
    const total = logSumExp(row);
    for (let v = 0; v < vocabulary; v++) cotangent[from + v] = -Math.exp(row[v] - total);
    cotangent[from + word] += 1;
    return row[word] - total;
  });
  return { words, logProbabilities, cotangent: { data: cotangent, dims } };
}

export function logSumExp(row: Float32Array): number {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const z of row) sum += Math.exp(z - most);
  return most + Math.log(sum);
}
