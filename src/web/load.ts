/** @file Opening a model in a browser: a directory or an ONNX file on a server, or files that a person has picked. */

import { checkOptions, expects, type OptionNames, UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import type { Picture } from "../image/picture.ts";
import type { Classifier, ClassifyOptions, Why } from "../tasks/classify/classification.ts";
import { boundedJson } from "../tasks/formats/json.ts";
import { parseLabels } from "../tasks/formats/label-file.ts";
import { isLabels, type ModelOptions, modelOptions, readNamed } from "../tasks/open.ts";
import { openParts, orRelease } from "../tasks/opened.ts";
import type { ModelReading } from "../tasks/reading.ts";
import { classifierOf, explainBy, openSubject, type Subject } from "../tasks/subject.ts";
import { bundledModel } from "./bundled.ts";
import { type DecodeOptions, decode, type PictureSource } from "./decode.ts";
import { type DownloadOptions, digest, downloadOptions } from "./download.ts";
import { bytesOf, type ModelSource, nameOf, place, weightsBeside } from "./place.ts";
import { loadRuntime, type WebRuntime } from "./runtime.ts";

export interface LoadOptions extends ModelOptions, DecodeOptions, DownloadOptions {
  /** Class names: a list, or a file with a name a line, a JSON list, or a config.json with `id2label`. */
  readonly labels?: readonly string[] | File;
  /** The ONNX Runtime to use; by default `onnxruntime-web/wasm`, or `onnxruntime-web/webgpu` where `session` asks for other providers. */
  readonly ort?: WebRuntime;
}

const loadOptions: OptionNames<LoadOptions> = {
  ...modelOptions,
  ...downloadOptions,
  maxPixels: true,
  ...{ labels: isLabels, ort: true },
};

export { bundledModel };

/** A model opened in a browser that explains: takes whatever a browser shows as a picture. */
export class LoadedClassifier {
  /** What explains samples by the model's task. */
  readonly subject: Subject;
  /** SHA-256 of the ONNX file, hexadecimal; undefined where the page is no secure context. */
  readonly sha256: string | undefined;
  readonly runtimeVersion: string;
  /** The ONNX file, as errors name it. */
  readonly file: string;
  /** What the file says of itself where it was compiled. */
  readonly notes: Notes | undefined;
  readonly #decoding: DecodeOptions;

  constructor(
    opened: Pick<LoadedClassifier, "subject" | "sha256" | "runtimeVersion" | "file" | "notes">,
    decoding: DecodeOptions,
  ) {
    this.subject = opened.subject;
    this.sha256 = opened.sha256;
    this.runtimeVersion = opened.runtimeVersion;
    this.file = opened.file;
    this.notes = opened.notes;
    this.#decoding = decoding;
  }

  /** How the model was read. */
  get reading(): ModelReading {
    return this.subject.reading;
  }

  /** @throws UserError `invalid-model` for a model that is no classifier. */
  get classifier(): Classifier {
    return classifierOf(this.subject);
  }

  /** @throws UserError for what is no picture, an unknown class, method or layer, and scores that are not finite. */
  async explain(image: PictureSource | Picture, options: ClassifyOptions = {}): Promise<Why> {
    return explainBy<"picture">(this.subject, await asPicture(image, this.#decoding), options);
  }

  release(): Promise<void> {
    return this.subject.release();
  }
}

/** Pixels of 3 bytes are decoded already; an `ImageData` has 4. */
export async function asPicture(image: PictureSource | Picture, options: DecodeOptions): Promise<Picture> {
  expects(typeof image === "object" && image !== null, "picture", image, "what a browser shows as one, or its bytes");
  const decoded = "data" in image && image.data.length === image.width * image.height * 3;
  return decoded ? (image as Picture) : decode(image as PictureSource, options);
}

/**
 * Opens a classifier.
 * @throws UserError for missing or broken files, and for what is no image classifier.
 */
export async function load(source: ModelSource = bundledModel, options: LoadOptions = {}): Promise<LoadedClassifier> {
  checkOptions(options, loadOptions, "load");
  const ort = options.ort ?? (await loadRuntime(options.session));
  const found = await place(source, options);
  const { directory, modelFile, read, absent } = found;
  const file = modelFile();
  const bytes = await read(file);
  if (!bytes) throw new UserError("missing-file", `missing model: ${file}: ${absent(file)}`);
  const model = await readNamed(bytes, file);
  const externalData = await weightsBeside(model, file, found);
  const parsed = async (name: string, what: string) => {
    const content = directory === undefined ? undefined : await read(name);
    return content && boundedJson(content, name, what);
  };
  const { labels } = options;
  const opened = await openParts(
    ort,
    {
      name: nameOf(directory || file),
      file,
      model,
      config: await parsed("config.json", "model configuration"),
      stated: await parsed("preprocessor_config.json", "preprocessor configuration"),
      labels: labels instanceof File ? await labelsIn(labels) : labels,
      ...(labels instanceof File && { labelsFrom: labels.name }),
    },
    { ...options, session: { ...(externalData.length && { externalData }), ...options.session } },
  );
  const { explainer, reading, notes } = opened;
  return orRelease(explainer, async () => {
    const subject = await openSubject(ort, explainer, reading, options);
    const { common, web: runtimeVersion = common } = ort.env.versions;
    return new LoadedClassifier({ subject, sha256: await digest(bytes), runtimeVersion, file, notes }, options);
  });
}

const labelsIn = async (file: File): Promise<readonly string[]> => parseLabels(await bytesOf(file), file.name);
