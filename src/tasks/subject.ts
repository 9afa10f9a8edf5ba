/** @file What explains samples, by the task of an open model: a classifier, a detector, a segmenter, a text recogniser. */
import { UserError } from "../errors.ts";
import type { Explainer } from "../explain/explainer.ts";
import type { Runtime } from "../onnx/runtime.ts";
import { Classifier, type ClassifierContext, type ClassifyOptions, type Why } from "./classify/classification.ts";
import type { Detector } from "./detect/detector.ts";
import type { ModelReading } from "./reading.ts";
import type { Kind, Sample } from "./sample.ts";
import type { Segmenter } from "./segment/segmenter.ts";
import type { Recogniser } from "./text/recogniser.ts";

export type Subject = Classifier | Detector | Segmenter | Recogniser;

/** @throws UserError `invalid-model` for a model that cannot be explained as what it is. */
export async function openSubject(
  ort: Runtime,
  explainer: Explainer,
  reading: ModelReading,
  context: ClassifierContext,
): Promise<Subject> {
  if (reading.head) {
    const { Detector } = await import("./detect/detector.ts");
    return new Detector(ort, explainer, reading, context);
  }
  if (reading.text) {
    const { Recogniser } = await import("./text/recogniser.ts");
    return new Recogniser(ort, explainer, reading, context);
  }
  if (!reading.masks) return new Classifier(ort, explainer, reading, context);
  const { Segmenter } = await import("./segment/segmenter.ts");
  return new Segmenter(ort, explainer, reading, context);
}

/** Explains a sample; what a caller takes it for is what the model takes, or an error. */
export async function explainBy<K extends Kind>(
  subject: Subject,
  sample: Sample,
  options: ClassifyOptions,
): Promise<Why<K>> {
  refuseFinding(options, subject.reading);
  if (subject instanceof Classifier) return subject.explain<K>(sample, options);
  const why: unknown = await subject.explain(sample, options); // of pictures, the only kind that it takes
  return why as Why<K>;
}

/**
 * A subject as a classifier; a segmenter is one of whole pictures, whose scores are means over the places.
 * @throws UserError `invalid-model` for other tasks
 */
export function classifierOf(subject: Subject): Classifier {
  if (subject instanceof Classifier) return subject;
  if ("classifier" in subject) return subject.classifier;
  const { task } = subject.reading;
  throw new UserError(
    "invalid-model",
    `invalid model: a classifier is asked for, and this is a ${task} model; gradcam explain, explain() and the service explain it`,
  );
}

/** What would change nothing is a mistake. */
function refuseFinding({ score, iou, maxDetections }: ClassifyOptions, { task, head, masks }: ModelReading): void {
  if (head) return;
  const unused = { ...(masks?.kind !== "queries" && { score }), iou, maxDetections };
  const [given] = Object.entries(unused).filter(([, value]) => value !== undefined);
  if (given)
    throw new UserError(
      "invalid-option",
      `invalid ${given[0]}: ${given[1]}; only a detector finds what it could be asked of, and this is a ${task} model`,
    );
}
