/** @file What the page shows of an open model. */
import { type LoadedClassifier, operatorsWithoutRule, type Preprocess, signatureOf } from "gradcam/web";
import type { ModelInfo } from "./contract.ts";

/** How pictures are prepared, as the model says; @throws UserError for one that takes none. */
export function preparationOf(loaded: LoadedClassifier): Preprocess {
  const { head, preparation } = loaded.reading;
  return head && preparation ? preparation : loaded.classifier.preprocess;
}

/** @param byHand how a person has pictures prepared, over what the model says */
export async function modelInfo(loaded: LoadedClassifier, byHand: Preprocess | undefined): Promise<ModelInfo> {
  const { subject, sha256, reading } = loaded;
  const { labels, explainer } = subject;
  const { name, score, head } = reading;
  const { model, tensors, imageInput = "" } = explainer;
  // Of a detector the levels of its boxes come first.
  const layers = head ? reading.layers : explainer.layers;
  const preprocess = byHand ?? preparationOf(loaded);
  const guessed = reading.warnings.some(({ code }) => code === "preparation-guessed");
  const dims = tensors.get(imageInput)?.dims ?? [];
  const [height, width] = preprocess.layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3);
  return {
    name,
    sha256,
    layers: layers.map(({ name, shape, grid }) => ({ name, shape, grid })),
    labels: labels.names,
    fewLabels: labels.incomplete,
    ...(head && { detects: true }),
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
