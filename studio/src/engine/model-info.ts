/** @file What the page shows of an open model. */
import { type LoadedClassifier, operatorsWithoutRule, type Preprocess, signatureOf } from "gradcam/web";
import type { ModelInfo } from "./contract.ts";

/** @param byHand how a person has pictures prepared, over what the model says */
export async function modelInfo(
  { classifier, sha256, reading }: LoadedClassifier,
  byHand: Preprocess | undefined,
): Promise<ModelInfo> {
  const { name, labels, score, explainer } = classifier;
  const { model, layers, tensors, imageInput = "" } = explainer;
  const preprocess = byHand ?? classifier.preprocess;
  const guessed = reading.warnings.some(({ code }) => code === "preparation-guessed");
  const dims = tensors.get(imageInput)?.dims ?? [];
  const [height, width] = preprocess.layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3);
  return {
    name,
    sha256,
    layers: layers.map(({ name, shape, grid }) => ({ name, shape, grid })),
    labels: labels.names,
    fewLabels: labels.incomplete,
    inside: {
      bytes: model.bytes.length,
      operatorSet: model.opset,
      ...signatureOf(model),
      score: { name: score.name, before: score.before },
      onProcessor: reading.decisions.find(({ what }) => what === "provider")?.because,
      preprocess,
      preparedBy: byHand ? "hand" : guessed ? "guess" : "model",
      inputSize: { width: Math.max(0, width), height: Math.max(0, height) },
      withoutRule: [...(await operatorsWithoutRule(model))],
    },
  };
}
