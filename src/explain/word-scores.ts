/**
 * @file Scores of words: their log-probabilities, and the tensor behind which each word's scores are its own.
 *
 *   log p(w_t) = z_t[w_t] - log sum_v exp z_t[v],    d log p(w_t) / d z_t = onehot(w_t) - softmax(z_t)
 */
import type { Dense } from "../array/dense.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";

/** Scores of words, and the tensor in front of them behind which each word is treated alone. */
export interface WordState {
  /** [n, T, words], or [n, 1, words] of the word at `place`. */
  readonly scores: string;
  /** [n, T, channels]; at a place also [n, channels]. */
  readonly state: string;
  readonly place?: number;
}

/**
 * Where weights of words can be applied as well as to the scores: in front of what treats every word alone, by constants. A vocabulary is
 * wide, and what comes before it need not know of the weights. An unrolled decoder has such a place for each word.
 */
export function wordStates(model: Model, tensors: Observed, scores: string): WordState[] {
  const node = model.producer.get(scores);
  const rank = (name: string) => tensors.get(name)?.dims.length ?? 0;
  if (node?.opType !== "Concat" || node.input.length !== tensors.get(scores)?.dims[1])
    return [{ scores, state: lastState(model, scores, (name) => rank(name) === 3) }];
  return node.input.map((piece, place) => {
    const state = lastState(model, piece, (name) => rank(name) === 2 || rank(name) === 3);
    return { scores: piece, state, place };
  });
}

/** The farthest tensor that fits, from which constants alone lead to the scores; the scores themselves where there is none. */
function lastState(model: Model, scores: string, fits: (name: string) => boolean): string {
  let best = scores;
  for (let at = scores; ; ) {
    const node = model.producer.get(at);
    if (!node) return best;
    const [first, second] = node.input;
    const scaled = ["Add", "Mul", "Div"].includes(node.opType) && model.constants.has(second);
    if (scaled || ["Identity", "Cast", "Unsqueeze"].includes(node.opType)) at = first;
    else if (node.opType === "Add" && model.constants.has(first)) at = second;
    else if (["MatMul", "Gemm"].includes(node.opType) && model.constants.has(second) && fits(first)) {
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
    let others = 0;
    for (let v = 0; v < vocabulary; v++) {
      const probability = Math.exp(row[v] - total);
      cotangent[from + v] = -probability;
      if (v !== word) others += probability;
    }
    cotangent[from + word] = others; // 1 minus its own would lose a nearly certain word's digits
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
