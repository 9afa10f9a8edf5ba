/** @file Opening a model from disk: the bundled classifier, a directory in Hugging Face layout, or a bare ONNX file. */

import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { checkOptions, expects, isRecord, listing, type OptionNames, UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import type { Explainer } from "../explain/explainer.ts";
import { type DecodeOptions, decodeOptions } from "../image/sharp.ts";
import type { Model } from "../onnx/model.ts";
import { externalLocation, isExternal } from "../onnx/proto.ts";
import { providersOf } from "../onnx/provider.ts";
import type { Feeds, SessionOptions, Tensor } from "../onnx/runtime.ts";
import type { Classifier, ClassifyOptions, Why } from "../tasks/classify/classification.ts";
import { checkClassify } from "../tasks/classify/options.ts";
import { openSimilarity } from "../tasks/classify/similarity.ts";
import { mostBytes } from "../tasks/formats/json.ts";
import { labelsFrom, parseLabels } from "../tasks/formats/label-file.ts";
import {
  isLabels,
  type ModelOptions,
  type ModelParts,
  modelAmong,
  modelOptions,
  readNamed,
  usualPlaces,
} from "../tasks/open.ts";
import { type OpenModel, openParts, orRelease } from "../tasks/opened.ts";
import type { ModelReading } from "../tasks/reading.ts";
import type { Kind } from "../tasks/sample.ts";
import { classifierOf, explainBy, openSubject, type Subject } from "../tasks/subject.ts";
import { bundledModel, checkBundled } from "./bundled.ts";
import { exists, isDirectory, readBytes, readJson, readModelBytes, sizeOf } from "./files.ts";
import { readRegions } from "./regions.ts";
import { loadRuntime, type NodeRuntime } from "./runtime.ts";
import { explainedType, readInputs, readSample, type Source } from "./samples.ts";

export interface LoadOptions extends ModelOptions, DecodeOptions {
  /** Class names: a list, or a file with a name a line, a JSON list, or a config.json with `id2label`; or "imagenet". */
  readonly labels?: readonly string[] | string;
  /** Explain the similarity of the model's embeddings to this sample's, in place of classes. */
  readonly similarTo?: Source;
  /** Files or tensors for the model's other inputs, by name, in every question; that of the sample itself may be among the files. */
  readonly inputs?: AskOptions["inputs"];
}

const loadOptions: OptionNames<LoadOptions> = {
  ...modelOptions,
  ...decodeOptions,
  ...{ labels: isLabels, similarTo: true, inputs: [isRecord, "an object of files or tensors by name"] },
};

/** What is asked of a model that was loaded: its other inputs may be files. */
export interface AskOptions extends Omit<ClassifyOptions, "inputs"> {
  /** The model's other inputs by name: a .npy or .json file, a picture where the input is one, or a tensor. */
  readonly inputs?: Readonly<Record<string, string | Tensor>>;
}

export { bundledModel };

/** A file of a model that was opened. */
export interface OpenedFile {
  /** The ONNX file. */
  readonly file: string;
  /** Its SHA-256, hexadecimal. */
  readonly sha256: string;
  readonly runtimeVersion: string;
  /** What the file says of itself where it was compiled. */
  readonly notes: Notes | undefined;
}

/** A model opened from disk that explains: takes files and bytes as well as decoded pictures. */
export class LoadedClassifier implements OpenedFile {
  /** What explains samples by the model's task. */
  readonly subject: Subject;
  readonly file: string;
  readonly sha256: string;
  readonly runtimeVersion: string;
  readonly notes: Notes | undefined;
  /** The file that the options name for the input that is explained. */
  readonly sample: string | undefined;
  readonly #opened: OpenedModel;

  constructor(parts: { opened: OpenedModel; subject: Subject; sample: string | undefined }) {
    const { opened, subject, sample } = parts;
    this.subject = subject;
    this.file = opened.file;
    this.sha256 = opened.sha256;
    this.runtimeVersion = opened.runtimeVersion;
    this.notes = opened.notes;
    this.sample = sample;
    this.#opened = opened;
  }

  /** How the model was read. */
  get reading(): ModelReading {
    return this.subject.reading;
  }

  /** @throws UserError `invalid-model` for a model that is no classifier. */
  get classifier(): Classifier {
    return classifierOf(this.subject);
  }

  /**
   * Explains what the model takes: a picture by default; `explain<"signal">` and `explain<"volume">` give the types of the others.
   * @param source a file's path or bytes (a picture; .wav; .npy or, by path, .json), a decoded picture or signal, or an array of the
   *   input's shape.
   * @throws UserError for what the model does not take, an unknown class, method, layer or input, and scores that are not finite.
   */
  async explain<K extends Kind = "picture">(source: Source, options: AskOptions = {}): Promise<Why<K>> {
    checkClassify(options);
    const { explainer } = this.subject;
    const sample = await readSample(source, this.#opened.options, explainedType(explainer));
    const inputs = await inputsOf(this.#opened, explainer, options.inputs);
    const { masks } = this.reading;
    const regions = masks && (await readRegions(options.targets ?? [], options.regions, this.#opened.options));
    return explainBy<K>(this.subject, sample, { ...options, inputs, ...(regions && { regions }) });
  }

  release(): Promise<void> {
    return this.subject.release();
  }
}

/** A model opened from disk, of which nothing is asked yet. */
export interface OpenedModel extends OpenedFile, OpenModel {
  readonly ort: NodeRuntime;
  readonly parts: ModelParts;
  readonly options: Omit<LoadOptions, "labels">;
}

/** The files of a model's other inputs, whose pictures are prepared as the model says. */
const inputsOf = (
  { ort, options, parts: { stated } }: OpenedModel,
  explainer: Explainer,
  files: AskOptions["inputs"] = {},
): Promise<Feeds> => readInputs(ort, explainer, files, { ...options, stated });

/**
 * Opens a model and reads how it is to be read, whatever it is for.
 * @param source a directory in Hugging Face layout (`config.json`, `preprocessor_config.json`, `onnx/model.onnx` or `model.onnx`) or an
 *   ONNX file, compiled ones too; the bundled classifier by default.
 * @throws UserError for missing or broken files.
 */
export async function openFile(source?: string, given: LoadOptions = {}): Promise<OpenedModel> {
  return openFileBy(await loadRuntime(), source, given);
}

/** The same by a runtime that is there already. */
export async function openFileBy(
  ort: NodeRuntime,
  source: string = bundledModel,
  given: LoadOptions = {},
): Promise<OpenedModel> {
  checkOptions(given, loadOptions, "load");
  expects(typeof source === "string", "model", source, "the path of an .onnx file or a directory");
  checkProviders(ort, given.session);
  await checkBundled(source);
  const directory = (await isDirectory(source)) ? source : undefined;
  const file = directory === undefined ? source : await modelIn(directory);
  const bytes = await readModelBytes(file);
  const model = await readNamed(bytes, file);
  await checkExternalData(model, file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");

  const beside = (name: string, what: string) => directory && readIfThere(path.join(directory, name), what);
  const { labels } = given;
  const parts: ModelParts = {
    name: path.basename(directory ?? file, directory ? "" : path.extname(file)),
    file,
    model,
    config: await beside("config.json", "model configuration"),
    stated: await beside("preprocessor_config.json", "preprocessor configuration"),
    labels: typeof labels === "string" ? await readLabels(labels) : labels,
    ...(typeof labels === "string" && { labelsFrom: labels }),
  };
  const { labels: _, ...said } = given;
  const options = { ...said, session: { ...externalDataBeside(file), ...given.session } };
  const opened = await openParts(ort, parts, options);
  return { ...opened, ort, parts, options, file, sha256, runtimeVersion: ort.version };
}

/**
 * Opens a classifier.
 * @param source as for {@link openFile}
 * @throws UserError for missing or broken files, and for what is no image classifier.
 */
export async function load(source?: string, options: LoadOptions = {}): Promise<LoadedClassifier> {
  const opened = await openFile(source, options);
  const { ort, explainer, reading, parts, notes } = opened;
  return orRelease(explainer, async () => {
    const { [explainer.imageInput ?? ""]: own, ...others } = options.inputs ?? {};
    const sample = typeof own === "string" ? own : undefined;
    const inputs = await inputsOf(opened, explainer, sample === undefined ? options.inputs : others);
    const { similarTo } = options;
    if (similarTo === undefined) {
      const subject = await openSubject(ort, explainer, reading, { ...options, inputs });
      return new LoadedClassifier({ opened, subject, sample });
    }
    const subject = await openSimilarity(ort, explainer, {
      ...opened.options,
      ...{ name: parts.name, file: parts.file, stated: parts.stated, notes, inputs },
      reference: await readSample(similarTo, options, explainedType(explainer)),
      referenceName: typeof similarTo === "string" ? path.basename(similarTo) : "the reference",
    });
    return new LoadedClassifier({ opened, subject, sample });
  });
}

export function checkProviders({ providers }: NodeRuntime, session: SessionOptions = {}): void {
  for (const name of providersOf(session))
    if (!providers.includes(name))
      throw new UserError("invalid-option", `unknown provider: "${name}"; allowed are ${listing(providers)}`);
}

/** The ONNX file of a directory in Hugging Face layout; @throws UserError `missing-file`. */
export async function modelIn(directory: string): Promise<string> {
  const usual = await Promise.all(usualPlaces.map((place) => exists(path.join(directory, place))));
  const names = [...usualPlaces.filter((_, i) => usual[i]), ...(await readdir(directory))];
  return path.join(directory, modelAmong(names, directory));
}

export const readIfThere = async (file: string, what: string): Promise<unknown> =>
  (await exists(file)) ? readJson(file, what) : undefined;

/** Class names from a file, or those that are built in; @throws UserError `missing-file`, `invalid-input`. */
export async function readLabels(file: string): Promise<readonly string[]> {
  if (file === builtInLabels) {
    await checkBundled(bundledModel);
    return labelsFrom(await readJson(path.join(bundledModel, "config.json"), "model configuration"));
  }
  try {
    return parseLabels(await readBytes(file, "labels", mostBytes), file);
  } catch (cause) {
    if (!(cause instanceof UserError && cause.code === "missing-file")) throw cause;
    throw new UserError(cause.code, `${cause.message}; "${builtInLabels}" is built in`, { cause });
  }
}

/** The names of ImageNet's 1,000 classes, which the bundled classifier has. */
const builtInLabels = "imagenet";

/** Weights in files of their own are found beside the model. */
export const externalDataBeside = (file: string): SessionOptions => ({
  extra: { session: { model_external_initializers_file_folder_path: path.resolve(path.dirname(file)) } },
});

/** The bytes that a model needs of each file beside it are there. */
export async function checkExternalData(model: Model, file: string): Promise<void> {
  const needed = new Map<string, number>();
  for (const tensor of model.graph.initializer.filter(isExternal)) {
    const location = externalLocation(tensor);
    const number = (key: string) => Number(tensor.externalData.find((entry) => entry.key === key)?.value ?? 0);
    if (location) needed.set(location, Math.max(needed.get(location) ?? 0, number("offset") + number("length")));
  }
  for (const [location, least] of needed) {
    const bytes = await sizeOf(path.join(path.dirname(file), location));
    if (bytes === undefined)
      throw new UserError(
        "missing-file",
        `missing external data: ${file} keeps weights in "${location}", which is not beside it`,
      );
    if (bytes < least)
      throw new UserError(
        "invalid-model",
        `invalid external data: "${location}" beside ${file} has ${bytes} bytes, the model needs ${least}`,
      );
  }
}
