/** @file Opening a model from disk: the bundled classifier, a directory in Hugging Face layout, or a bare ONNX file. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { listing, UserError } from "../errors.ts";
import { type Notes, notesOf, originalBytes } from "../explain/compiled.ts";
import type { TokenGrid } from "../explain/layout.ts";
import { assumePreprocess, type KnownPreprocess } from "../image/assume.ts";
import { fromHuggingFace } from "../image/hugging-face.ts";
import type { Preprocess } from "../image/preprocess.ts";
import type { DecodeOptions } from "../image/sharp.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { externalLocation, isExternal } from "../onnx/proto.ts";
import type { SessionOptions, Tensor } from "../onnx/runtime.ts";
import { Classifier, type ClassifierOptions, type ClassifyOptions, type Why } from "../tasks/classification.ts";
import type { Kind } from "../tasks/sample.ts";
import { openSimilarity } from "../tasks/similarity.ts";
import { exists, isDirectory, readBytes, readJson, readModelBytes, sizeOf } from "./files.ts";
import { loadRuntime, type NodeRuntime } from "./runtime.ts";
import { readInputs, readSample, type Source } from "./samples.ts";

export interface LoadOptions extends KnownPreprocess, DecodeOptions {
  /** Class names: a list, or a file with a name a line, a JSON list, or a config.json with `id2label`. */
  readonly labels?: readonly string[] | string;
  readonly output?: string;
  readonly layer?: string;
  /** Where layers hold tokens: their grid; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  /** Explain the similarity of the model's embeddings to this sample's, in place of classes. */
  readonly similarTo?: Source;
  /** Files or tensors for the model's other inputs, by name, in every question; that of the sample itself may be among the files. */
  readonly inputs?: AskOptions["inputs"];
  readonly session?: SessionOptions;
}

/** What is asked of a model that was loaded: its other inputs may be files. */
export interface AskOptions extends Omit<ClassifyOptions, "inputs"> {
  /** The model's other inputs by name: a .npy or .json file, a picture where the input is one, or a tensor. */
  readonly inputs?: Readonly<Record<string, string | Tensor>>;
}

/** The classifier that comes with the package. */
export const bundledModel = fileURLToPath(new URL("../../models/efficientnet-lite0", import.meta.url));

/** A classifier opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedClassifier {
  constructor(
    readonly classifier: Classifier,
    /** SHA-256 of the ONNX file, hexadecimal. */
    readonly sha256: string,
    readonly runtimeVersion: string,
    /** Whether the preprocessing was assumed, since the model says nothing of it. */
    readonly assumed: boolean,
    private readonly ort: NodeRuntime,
    private readonly options: LoadOptions,
    /** The ONNX file. */
    readonly file: string,
    /** What the file says of itself where it was compiled. */
    readonly notes: Notes | undefined,
    /** The file that the options name for the input that is explained. */
    readonly sample: string | undefined,
  ) {}

  /**
   * Explains what the model takes: a picture by default; `explain<"signal">` and `explain<"volume">` give the types of the others.
   * @param source a file's path or bytes (a picture; .wav; .npy or, by path, .json), a decoded picture or signal, or an array of the
   *   input's shape.
   * @throws UserError for what the model does not take, an unknown class, method, layer or input, and scores that are not finite.
   */
  async explain<K extends Kind = "picture">(source: Source, options: AskOptions = {}): Promise<Why<K>> {
    const sample = await readSample(source, this.options);
    const inputs = await readInputs(this.ort, this.classifier.explainer, options.inputs ?? {}, this.options);
    return this.classifier.explain<K>(sample, { ...options, inputs });
  }

  release(): Promise<void> {
    return this.classifier.release();
  }
}

/**
 * Opens a classifier.
 * @param source a directory in Hugging Face layout (`config.json`, `preprocessor_config.json`, `onnx/model.onnx` or `model.onnx`) or an
 *   ONNX file, compiled ones too; the bundled classifier by default.
 * @throws UserError for missing or broken files, and for what is no image classifier.
 */
export async function load(source: string = bundledModel, options: LoadOptions = {}): Promise<LoadedClassifier> {
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const directory = (await isDirectory(source)) ? source : undefined;
  const file = directory === undefined ? source : await modelIn(directory);
  const bytes = await readModelBytes(file);
  const model = readNamed(bytes, file);
  await checkExternalData(model, file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const notes = notesOf(model);

  const config = directory && (await readIfThere(path.join(directory, "config.json"), "model configuration"));
  const stated =
    directory && (await readIfThere(path.join(directory, "preprocessor_config.json"), "preprocessor configuration"));
  const labels =
    options.labels === undefined
      ? labelsFrom(config ?? noted(notes, "labels", file))
      : await readLabels(options.labels);
  // Read when it is known that the model takes pictures: what stands there of sounds is another matter.
  const preprocessOf = () =>
    stated === undefined ? (noted(notes, "preprocess", file) as Preprocess | undefined) : fromHuggingFace(stated);
  // A compiled model is asked as the model that it was: its own explanation need not run.
  const original = (notes && originalBytes(model, notes)) ?? bytes;
  let sample: string | undefined;
  let assumed = false;
  const opening: ClassifierOptions = {
    name: path.basename(directory ?? file, directory ? "" : path.extname(file)),
    labels,
    preprocess: (dims) => {
      const preprocess = preprocessOf();
      assumed = preprocess === undefined;
      return preprocess ? withGiven(preprocess, options) : assumePreprocess(dims, options);
    },
    output: options.output ?? notes?.output,
    layer: options.layer ?? (options.output === undefined ? notes?.layer : undefined),
    tokens: options.tokens ?? (noted(notes, "tokens", file) as TokenGrid | undefined),
    // What ONNX Runtime would print comes as an exception too, and is told in one line.
    session: { logSeverityLevel: 4, ...externalDataBeside(file), ...options.session },
    probability: probabilityOf(config),
    inputs: (explainer) => {
      const { [explainer.imageInput ?? ""]: own, ...others } = options.inputs ?? {};
      if (typeof own === "string") sample = own;
      return readInputs(ort, explainer, typeof own === "string" ? others : (options.inputs ?? {}), options);
    },
  };
  const { similarTo } = options;
  const classifier =
    similarTo === undefined
      ? await Classifier.open(ort, original, opening)
      : await openSimilarity(ort, original, {
          ...opening,
          reference: await readSample(similarTo, options),
          referenceName: typeof similarTo === "string" ? path.basename(similarTo) : "the reference",
        });
  return new LoadedClassifier(classifier, sha256, ort.version, assumed, ort, options, file, notes, sample);
}

/** What a Hugging Face configuration says of its scores. */
function probabilityOf(config: unknown): ClassifierOptions["probability"] {
  const kind = typeof config === "object" && config !== null && "problem_type" in config && config.problem_type;
  return kind === "multi_label_classification" ? "sigmoid" : kind === "regression" ? "none" : undefined;
}

export function checkProviders({ providers }: NodeRuntime, session: SessionOptions = {}): void {
  for (const provider of session.executionProviders ?? []) {
    const name = typeof provider === "string" ? provider : provider.name;
    if (!providers.includes(name))
      throw new UserError("invalid-option", `unknown provider: "${name}"; allowed are ${listing(providers)}`);
  }
}

/** What the caller says of the preprocessing overrides what the file says. */
export const withGiven = (stated: Preprocess, known: KnownPreprocess): Preprocess => ({
  ...stated,
  ...given(known, stated.channels),
});

function given({ mean, std, layout, size }: KnownPreprocess, channels: number) {
  const values = (list: readonly number[]) => (list.length === 1 ? Array<number>(channels).fill(list[0]) : list);
  const square =
    size === undefined
      ? undefined
      : size === "full"
        ? { crop: undefined, resize: undefined }
        : { crop: { width: size, height: size }, resize: { shortestEdge: Math.round((size * 256) / 224) } };
  const colours = { ...(mean && { mean: values(mean) }), ...(std && { std: values(std) }) };
  return { ...colours, ...(layout && { layout }), ...square };
}

export async function modelIn(directory: string): Promise<string> {
  for (const usual of ["onnx/model.onnx", "model.onnx"]) {
    const file = path.join(directory, usual);
    if (await exists(file)) return file;
  }
  const others = (await readdir(directory)).filter((name) => name.endsWith(".onnx"));
  if (others.length === 1) return path.join(directory, others[0]);
  const found = others.length
    ? `it has ${listing(others)}; name one of them`
    : "no onnx/model.onnx or model.onnx in it";
  throw new UserError("missing-file", `missing model: ${directory}: ${found}`);
}

export const readIfThere = async (file: string, what: string): Promise<unknown> =>
  (await exists(file)) ? readJson(file, what) : undefined;

async function readLabels(labels: readonly string[] | string): Promise<readonly string[]> {
  if (typeof labels !== "string") return labels;
  if (labels.endsWith(".json")) return labelsFrom(await readJson(labels, "labels"));
  const text = new TextDecoder().decode(await readBytes(labels, "labels"));
  return text.trimEnd().split(/\r?\n/);
}

/** A note in JSON; undefined where the file has none. */
function noted(notes: Notes | undefined, key: string, file: string): unknown {
  const text = notes?.[key];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError("invalid-model", `invalid model ${file}: its metadata "gradcam.${key}" is not JSON`, { cause });
  }
}

/** A list of names, a map from index to name, or a configuration with such a map under `id2label`. */
export function labelsFrom(json: unknown): readonly string[] {
  const map = typeof json === "object" && json !== null && "id2label" in json ? json.id2label : json;
  if (Array.isArray(map)) return map.map(String);
  if (typeof map !== "object" || map === null) return [];
  const names: string[] = [];
  for (const [index, name] of Object.entries(map)) if (/^\d+$/.test(index)) names[Number(index)] = String(name);
  return Array.from(names, (name) => name ?? "");
}

/** Weights in files of their own are found beside the model. */
export const externalDataBeside = (file: string): SessionOptions => ({
  extra: { session: { model_external_initializers_file_folder_path: path.resolve(path.dirname(file)) } },
});

/** @throws UserError `invalid-model` that names the file. */
export function readNamed(bytes: Uint8Array, file: string): Model {
  try {
    return readModel(bytes);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.code, cause.message.replace(/^invalid model:/, `invalid model ${file}:`), { cause });
  }
}

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
