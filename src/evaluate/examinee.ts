/** @file The model under evaluation: a classifier, a VQA model, which is a classifier of answers for each question, or a detector. */
import path from "node:path";
import { UserError } from "../errors.ts";
import { exists, isDirectory } from "../node/files.ts";
import { type LoadOptions, load } from "../node/load.ts";
import { loadAnswerer } from "../node/load-answerer.ts";
import type { Classifier } from "../tasks/classify/classification.ts";
import { Detector } from "../tasks/detect/detector.ts";
import { Labels } from "../tasks/labels.ts";
import { GenerativeAnswerer } from "../tasks/language/generative-answerer.ts";
import { localModel } from "./address.ts";
import type { Sample } from "./sample.ts";

export interface Examinee {
  readonly name: string;
  /** SHA-256 of its ONNX file. */
  readonly sha256: string;
  readonly runtimeVersion: string;
  /** Its classes, or answers, in the order of the scores. */
  readonly labels: Labels;
  /** Where it is one: its boxes are explained, and not classes. */
  readonly detector?: Detector;
  /** @throws UserError for a detector, for a sample with a question that the model does not take, or without one that it needs. */
  classifierFor(sample: Pick<Sample, "id" | "question">): Promise<Classifier>;
  release(): Promise<void>;
}

/**
 * @param location a file, a directory or an address; a directory with a tokenizer is a VQA model's.
 * @param sha256 what the model is expected to be.
 * @throws UserError for a model that cannot be opened, or is another one.
 */
export async function openExaminee(
  location: string | undefined,
  options: LoadOptions = {},
  sha256?: string,
): Promise<Examinee> {
  const file = await localModel(location, sha256);
  const asks = file !== undefined && (await isDirectory(file)) && (await exists(path.join(file, "tokenizer.json")));
  const model = asks ? await openAnswerer(file, options) : await openClassifier(file, options);
  if (sha256 === undefined || model.sha256 === sha256) return model;
  await model.release();
  throw new UserError(
    "invalid-model",
    `invalid model: ${file ?? model.name} has SHA-256 ${model.sha256}, the evaluation's has ${sha256}`,
  );
}

async function openClassifier(file: string | undefined, options: LoadOptions): Promise<Examinee> {
  const loaded = await load(file, options);
  const { subject, sha256, runtimeVersion } = loaded;
  if (subject instanceof Detector) {
    const { labels } = subject;
    const name = file === undefined ? "detector" : path.basename(file);
    const refuse = async () => loaded.classifier;
    return {
      name,
      sha256,
      runtimeVersion,
      labels,
      detector: subject,
      classifierFor: refuse,
      release: () => subject.release(),
    };
  }
  const { classifier } = loaded;
  const { name, labels } = classifier;
  return {
    ...{ name, sha256, runtimeVersion, labels },
    async classifierFor({ id, question }) {
      if (question === undefined) return classifier;
      throw new UserError("invalid-model", `invalid model: ${name} takes no question, and ${id} asks one`);
    },
    release: () => classifier.release(),
  };
}

async function openAnswerer(directory: string, options: LoadOptions): Promise<Examinee> {
  const { answerer, sha256, runtimeVersion } = await loadAnswerer(directory, options);
  if (answerer instanceof GenerativeAnswerer)
    throw new UserError(
      "invalid-model",
      `invalid model: ${answerer.name} generates its answers, so there is no fixed list to evaluate it on`,
    );
  const { name, answers } = answerer;
  return {
    ...{ name, sha256, runtimeVersion, labels: new Labels(answers, answers.length) },
    async classifierFor({ id, question }) {
      if (question !== undefined) return answerer.asked(question);
      throw new UserError("invalid-model", `invalid model: ${name} answers questions, and ${id} asks none`);
    },
    release: () => answerer.release(),
  };
}
