/** @file Opening captioners and VQA models in a browser. */

import { checkOptions, type OptionNames, UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import type { Model } from "../onnx/model.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { type FolderFiles, type LanguageOptions, languageOptions } from "../tasks/formats/folder.ts";
import type { Answered, Answerer, QuestionOptions } from "../tasks/language/answering.ts";
import type { Captioned, Captioner, CaptionOptions } from "../tasks/language/captioning.ts";
import type { GenerativeAnswerer } from "../tasks/language/generative-answerer.ts";
import type { LanguageModel } from "../tasks/language/language-model.ts";
import { openAnswerer } from "../tasks/language/open-answerer.ts";
import { openCaptioner } from "../tasks/language/open-captioner.ts";
import { bundledAnswerer, bundledCaptioner } from "./bundled.ts";
import type { DecodeOptions, PictureSource } from "./decode.ts";
import { type DownloadOptions, downloadOptions } from "./download.ts";
import { asPicture } from "./load.ts";
import { type ModelSource, nameOf, type Place, place, weightsBeside } from "./place.ts";
import { loadRuntime, type WebRuntime } from "./runtime.ts";

export interface LoadLanguageOptions extends LanguageOptions, DecodeOptions, DownloadOptions {
  /** The ONNX Runtime to use; by default `onnxruntime-web/wasm`, or `onnxruntime-web/webgpu` where `session` asks for other providers. */
  readonly ort?: WebRuntime;
}

const loadOptions: OptionNames<LoadLanguageOptions> = {
  ...languageOptions,
  ...downloadOptions,
  maxPixels: true,
  ort: true,
};

export { bundledAnswerer, bundledCaptioner };

/** A model of pictures and words opened in a browser. */
abstract class LoadedLanguageModel<M extends LanguageModel> {
  /** Whether the preprocessing was assumed, since the directory says nothing of it. */
  readonly assumed: boolean;

  constructor(
    protected readonly model: M,
    private readonly decoding: DecodeOptions,
  ) {
    this.assumed = model.assumed;
  }

  protected picture(image: PictureSource | Picture): Promise<Picture> {
    return asPicture(image, this.decoding);
  }

  release(): Promise<void> {
    return this.model.release();
  }
}

/** A captioner opened in a browser: takes whatever a browser shows as a picture. */
export class LoadedCaptioner extends LoadedLanguageModel<Captioner> {
  get captioner(): Captioner {
    return this.model;
  }

  /** Captions a picture and explains the words, or those of a caption that is given. */
  async explain(image: PictureSource | Picture, options: CaptionOptions = {}): Promise<Captioned> {
    return this.model.explain(await this.picture(image), options);
  }
}

/** A VQA model opened in a browser: takes whatever a browser shows as a picture. */
export class LoadedAnswerer extends LoadedLanguageModel<Answerer | GenerativeAnswerer> {
  get answerer(): Answerer | GenerativeAnswerer {
    return this.model;
  }

  /** Answers a question about a picture and explains answers. */
  async ask(image: PictureSource | Picture, question: string, options: QuestionOptions = {}): Promise<Answered> {
    return this.model.ask(await this.picture(image), question, options);
  }
}

/**
 * Opens a captioner.
 * @param source a directory on a server (its address ends with a slash), or its files as a person picked them, in a layout that
 *   `loadCaptioner` of `gradcam/node` reads
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner.
 */
export async function loadCaptioner(
  source: ModelSource = bundledCaptioner,
  options: LoadLanguageOptions = {},
): Promise<LoadedCaptioner> {
  return new LoadedCaptioner(await openFrom(source, options, { name: "loadCaptioner", open: openCaptioner }), options);
}

/**
 * Opens a VQA model.
 * @param source as for {@link loadCaptioner}, in a layout that `loadAnswerer` of `gradcam/node` reads
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no VQA model.
 */
export async function loadAnswerer(
  source: ModelSource = bundledAnswerer,
  options: LoadLanguageOptions = {},
): Promise<LoadedAnswerer> {
  return new LoadedAnswerer(await openFrom(source, options, { name: "loadAnswerer", open: openAnswerer }), options);
}

async function openFrom<M>(
  source: ModelSource,
  options: LoadLanguageOptions,
  { name, open }: { name: string; open: (ort: WebRuntime, files: WebFiles, options: LanguageOptions) => Promise<M> },
): Promise<M> {
  checkOptions(options, loadOptions, name);
  const ort = options.ort ?? (await loadRuntime(options.session));
  const files = await folderOf(source, options);
  return open(ort, files, options).catch(files.explained);
}

async function folderOf(source: ModelSource, options: DownloadOptions): Promise<WebFiles> {
  const found = await place(source, options);
  if (found.directory !== undefined) return new WebFiles(found.directory, found);
  throw new UserError("invalid-input", "invalid model: a single file; expected a directory with a tokenizer.json");
}

/** Each file is read once. */
class WebFiles implements FolderFiles {
  readonly #read = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #weights: { path: string; data: Uint8Array }[] = [];

  constructor(
    private readonly directory: string,
    private readonly found: Place,
  ) {}

  /** Says with what is missing that a page came in its place. */
  readonly explained = (error: unknown): never => {
    const page = this.found.page?.();
    if (!(error instanceof UserError && error.code === "missing-file" && page) || error.message.includes(page))
      throw error;
    throw new UserError(error.code, `${error.message}; ${page}`, { cause: error });
  };

  get name(): string {
    return nameOf(this.directory);
  }

  path(file: string): string {
    return [this.directory, file].filter(Boolean).join("/") || "the files";
  }

  async has(file: string): Promise<boolean> {
    return (await this.#once(file)) !== undefined;
  }

  async read(file: string, what: string): Promise<Uint8Array> {
    const content = await this.#once(file);
    if (content) return content;
    throw new UserError("missing-file", `missing ${what}: ${this.path(file)}: ${this.found.absent(file)}`);
  }

  readModel(file: string): Promise<Uint8Array> {
    return this.read(file, "model");
  }

  async modelFile(): Promise<string> {
    return this.found.modelFile();
  }

  async externalData(model: Model, file: string): Promise<SessionOptions> {
    this.#weights.push(...(await weightsBeside(model, file, { ...this.found, read: (name) => this.#once(name) })));
    return this.#weights.length ? { externalData: [...this.#weights] } : {};
  }

  #once(file: string): Promise<Uint8Array | undefined> {
    const known = this.#read.get(file) ?? this.found.read(file);
    this.#read.set(file, known);
    return known;
  }
}
