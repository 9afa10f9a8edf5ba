/** @file What explains samples, by the task of an open model: a classifier, a detector, a segmenter. */
import { UserError } from "../errors.ts";
import type { Explainer } from "../explain/explainer.ts";
import type { Runtime } from "../onnx/runtime.ts";
import { Classifier, type ClassifierContext, type ClassifyOptions, type Why } from "./classify/classification.ts";
import type { Detector } from "./detect/detector.ts";
import type { ModelReading } from "./reading.ts";
import type { Kind, Sample } from "./sample.ts";

export type Subject = Classifier | Detector;

/** @throws UserError `invalid-model` for a model that cannot be explained as what it is. */
export async function openSubject(
  ort: Runtime,
  explainer: Explainer,
  reading: ModelReading,
  context: ClassifierContext,
): Promise<Subject> {
  if (!reading.head) return new Classifier(ort, explainer, reading, context);
  const { Detector } = await import("./detect/detector.ts");
  return new Detector(ort, explainer, reading, context);
}

/** Explains a sample; what a caller takes it for is what the model takes, or an error. */
export async function explainBy<K extends Kind>(
  subject: Subject,
  sample: Sample,
  options: ClassifyOptions,
): Promise<Why<K>> {
  if (subject instanceof Classifier) return subject.explain<K>(sample, options);
  const why: unknown = await subject.explain(sample, options); // of pictures, the only kind that it takes
  return why as Why<K>;
}

export const notClassifier = ({ task }: ModelReading): UserError =>
  new UserError("invalid-model", `invalid model: a classifier is asked for, and this is a ${task} model`);
