/**
 * @file The sanity check of Adebayo et al. 2018: the network forgets its layers one after another, from the score back, and the map is
 * held against the trained network's. A map that does not change is not about what the network has learnt.
 */
import { Classifier, type Preprocessed, shuffled, weightsOf } from "gradcam/web";
import type { Context } from "./answering.ts";
import { asMethod, type Numbers, type Question, type SanityStage } from "./contract.ts";
import { likenessOf } from "./likeness.ts";
import type { StartedRuntime } from "./runtime.ts";

export async function sanityCheck(
  { ort, session }: StartedRuntime,
  { name, labels, preprocess, explainer }: Classifier,
  seen: Preprocessed,
  { class: index, against, counterfactual, method, layer = explainer.layers[0]?.name }: Question,
  trained: Numbers,
  { signal, onProgress }: Context,
): Promise<SanityStage[]> {
  const { model, score } = explainer;
  const weights = weightsOf(model, score.name);
  const stages: SanityStage[] = [];
  const counts = stageCounts(weights.length);
  for (const [done, count] of counts.entries()) {
    onProgress({ done: done / counts.length, part: [...stages] });
    const bytes = shuffled(model, weights.slice(0, count));
    const options = { name, labels: labels.names, preprocess, output: model.outputs[0], layer, session };
    const forgetful = await Classifier.open(ort, bytes, options);
    try {
      const look = await forgetful.classify(seen, { layer });
      const [{ map }] = await look.explain({
        classes: [index],
        against,
        counterfactual,
        method: asMethod(method),
        signal,
      });
      stages.push({ shuffled: count, map, ...likenessOf(trained, map) });
    } finally {
      await forgetful.release();
    }
    signal.throwIfAborted();
  }
  return stages;
}

/** 1, 2, 4 and so on, and all. */
function stageCounts(all: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < all; count *= 2) counts.push(count);
  return [...counts, all];
}
