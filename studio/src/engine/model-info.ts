/** @file What the page shows of an open model. */
import { type LoadedClassifier, operatorsWithoutRule, signatureOf } from "gradcam/web";
import type { ModelInfo } from "./contract.ts";

export async function modelInfo({ classifier, sha256, assumed }: LoadedClassifier): Promise<ModelInfo> {
  const { name, preprocess, labels, score, explainer } = classifier;
  const { model, layers } = explainer;
  return {
    name,
    bytes: model.bytes.length,
    sha256,
    operatorSet: model.opset,
    ...signatureOf(model),
    layers: layers.map(({ name, shape, grid }) => ({ name, shape, grid })),
    score: { name: score.name, before: score.before },
    preprocess,
    assumed,
    labels: labels.names,
    withoutRule: [...(await operatorsWithoutRule(model))],
  };
}
