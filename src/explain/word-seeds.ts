/** @file Words as the seeds of an adjoint: rows of weights, applied where each word is still by itself. */
import { type AdjointQuery, type ObservedModel, pullback } from "../autodiff/adjoint.ts";
import { present } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import type { Model } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { gradientType } from "../onnx/types.ts";

/** d(log-probability of each word) / d(scores), [1, T, words], and weights of the words, a row for each question, [k, T, 1]. */
export const wordSeeds =
  (observed: ObservedModel, scores: string): AdjointQuery["seeds"] =>
  (build, rowed) => {
    const { type, dims } = typeOf(observed.model, observed.tensors, scores);
    const cotangent = build.input(gradientType(type), dims);
    const weights = rowed(build.input(cotangent.type, [-1, present(dims[1], "the places"), 1]));
    const values = cotangentsAtStates(build, observed, scores, cotangent, weights);
    return { inputs: [cotangent, weights], values };
  };

/** Cotangents of the scores, [1, T, words], carried to where the words' states are, where the weights of the rows are applied. */
export function cotangentsAtStates(
  build: Builder,
  observed: ObservedModel,
  scores: string,
  cotangent: Value,
  weights: Value,
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { scores: own, state, place } of wordStates(observed, scores)) {
    const ofPlace = (v: Value) => (place === undefined ? v : build.slice(v, 1, place, place + 1));
    const results = pullback(build, observed, new Map([[own, ofPlace(cotangent)]]), [{ tensor: state }]);
    const atState = present(results[0], "the cotangent of the states");
    const dims = observed.tensors.get(state)?.dims;
    const weight = dims?.length === 2 ? build.squeeze(ofPlace(weights), [1]) : ofPlace(weights);
    values.set(state, { ...build.mul(atState, weight), dims });
  }
  return values;
}

/**
 * Where weights of words can be applied as well as to the scores: in front of what treats every word alone, by constants. A vocabulary is
 * wide, and what comes before it need not know of the weights. An unrolled decoder has such a place for each word.
 * @returns scores, [n, T, words] or at a place [n, 1, words], and the state in front of them, [n, T, channels] or [n, channels]
 */
function wordStates(
  { model, tensors }: ObservedModel,
  scores: string,
): { readonly scores: string; readonly state: string; readonly place?: number }[] {
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
    const [first, second = ""] = node?.input ?? []; // "": absent
    if (!node || first === undefined) return best;
    const scaled = ["Add", "Mul", "Div"].includes(node.opType) && model.constants.has(second);
    if (scaled || ["Identity", "Cast", "Unsqueeze"].includes(node.opType)) at = first;
    else if (node.opType === "Add" && model.constants.has(first)) at = second;
    else if (["MatMul", "Gemm"].includes(node.opType) && model.constants.has(second) && fits(first)) {
      at = first;
      best = first;
    } else return best;
  }
}
