/** @file A directory with a model of pictures and words in Hugging Face layout, wherever it is: on disk, on a server, in a person's hand. */
import { prepared } from "../../autodiff/prepare.ts";
import { isRecord, type OptionNames, UserError } from "../../errors.ts";
import { assumePreprocess } from "../../image/assume.ts";
import { sizeOf } from "../../image/framing.ts";
import type { Size } from "../../image/geometry.ts";
import { fromHuggingFace } from "../../image/hugging-face.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import type { Model } from "../../onnx/model.ts";
import { declaredDims } from "../../onnx/proto.ts";
import type { SessionOptions } from "../../onnx/runtime.ts";
import { statedFamiliarity } from "../familiarity.ts";
import { imageOf } from "../language/decoder.ts";
import type { LanguageParts } from "../language/language-model.ts";
import { type ModelOptions, readNamed } from "../open.ts";
import { forInput, pictureLayout } from "../preparation.ts";
import { boundedJson, type Json } from "./json.ts";
import { type Dtype, partFile } from "./model-files.ts";
import { TextTokenizer } from "./tokenizer.ts";

/** What a caller says of a captioner or a VQA model, over what its directory says. */
export interface LanguageOptions extends Omit<ModelOptions, "output" | "explainInput" | "inputShapes" | "task"> {
  /** The precision of the ONNX files, as transformers.js names it ("fp16", "q8" ...): by default the full one, or the only one there is. */
  readonly dtype?: Dtype;
}

export const languageOptions: OptionNames<LanguageOptions> = {
  ...{ layer: true, tokens: true, session: true, keep: true, dtype: true, peak: true, align: true },
  ...{ size: true, mean: true, std: true, scale: true, channels: true, fit: true, layout: true },
};

/** Where the files of a directory are read from; names are relative, with `/`. */
export interface FolderFiles {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  /** A file's place as errors name it; of "" the directory's. */
  path(file: string): string;
  has(file: string): Promise<boolean>;
  /** @throws UserError `missing-file`, saying what was wanted. */
  read(file: string, what: string): Promise<Uint8Array>;
  /** An ONNX file, with room behind it. */
  readModel(file: string): Promise<Uint8Array>;
  /** The one ONNX file, where a model is one; @throws UserError `missing-file`. */
  modelFile(): Promise<string>;
  /** How a session finds the weights that lie beside an ONNX file; @throws UserError where they do not. */
  externalData(model: Model, file: string): Promise<SessionOptions>;
}

/** Reads what captioners and VQA models share: models, configurations, tokenizer, preprocessing. */
export class ModelFolder {
  #tokenizer: TextTokenizer | undefined;
  /** For all of the ONNX files that were read. */
  session: SessionOptions = {};

  constructor(
    readonly files: FolderFiles,
    private readonly options: LanguageOptions,
  ) {}

  /** The first of these files that is there. */
  async find(...names: readonly string[]): Promise<string | undefined> {
    for (const name of names) if (await this.files.has(name)) return name;
    return undefined;
  }

  /** The ONNX file of a part, which may have several names; @throws UserError where it is there, but not to be chosen. */
  part(...parts: readonly string[]): Promise<string | undefined> {
    return partFile(this.files, parts, this.options.dtype);
  }

  /** The object in a JSON file; {} where there is no such file. */
  async json(name: string, what: string): Promise<Json> {
    const content = (await this.#parsed(name, what)) ?? {};
    if (isRecord(content)) return content;
    throw new UserError("invalid-input", `invalid ${what}: ${this.files.path(name)} holds no object`);
  }

  /** A file's text; undefined where there is no such file. */
  async text(name: string, what: string): Promise<string | undefined> {
    const bytes = await this.#read(name, what);
    return bytes && new TextDecoder().decode(bytes);
  }

  async #parsed(name: string, what: string): Promise<unknown> {
    const bytes = await this.#read(name, what);
    return bytes && boundedJson(bytes, this.files.path(name), what);
  }

  async #read(name: string, what: string): Promise<Uint8Array | undefined> {
    return (await this.files.has(name)) ? this.files.read(name, what) : undefined;
  }

  /** An ONNX file. What ONNX Runtime would print comes as an exception too, and is told in one line. */
  async model(name: string): Promise<Model> {
    const model = await readNamed(await this.files.readModel(name), this.files.path(name));
    const beside = await this.files.externalData(model, name);
    this.session = { logSeverityLevel: 4, ...beside, ...this.options.session };
    return prepared(model);
  }

  /** The ONNX files of three parts; @throws UserError `missing-file` where one is not there: `has` says what such a model has. */
  async models(parts: readonly (readonly [string, ...string[]])[], has: string): Promise<[Model, Model, Model]> {
    const found = await Promise.all(parts.map((names) => this.part(...names)));
    const usual = parts.map(([name]) => `onnx/${name}.onnx`);
    const lacking = usual.filter((_, i) => found[i] === undefined).map((name) => `no ${name}`);
    const wrong = `${this.files.path("")}: ${lacking.join(", ")}; ${has} ${usual.join(", ")}`;
    const [first, second, third] = found;
    if (!first || !second || !third) throw new UserError("missing-file", `missing model: ${wrong}`);
    return [await this.model(first), await this.model(second), await this.model(third)];
  }

  /** What the directory and the caller say, beside the models. */
  async common(image: Model): Promise<LanguageParts> {
    const { layer, tokens, keep } = this.options;
    const tokenizer = await this.tokenizer();
    const familiar = statedFamiliarity(await this.#parsed("preprocessor_config.json", "preprocessor configuration"));
    return {
      ...(await this.preprocess(image)),
      ...{ name: this.files.name, session: this.session, tokenizer, familiar, layer, tokens, keep },
    };
  }

  /** @throws UserError `missing-file` without a tokenizer.json. */
  async tokenizer(): Promise<TextTokenizer> {
    if (this.#tokenizer) return this.#tokenizer;
    const name = "tokenizer.json";
    const json = await this.#parsed(name, "tokenizer");
    const how = "save it with AutoTokenizer(..., use_fast=True).save_pretrained";
    if (json === undefined)
      throw new UserError("missing-file", `missing tokenizer: ${this.files.path(name)}: no such file; ${how}`);
    const config = await this.json("tokenizer_config.json", "tokenizer configuration");
    this.#tokenizer = new TextTokenizer(json, config);
    return this.#tokenizer;
  }

  /** As the folder says, or as is usual for the model's picture (`assumed`); options override both. */
  async preprocess(model: Model): Promise<{ preprocess: Preprocess; assumed: boolean }> {
    const stated = await this.#parsed("preprocessor_config.json", "preprocessor configuration");
    const image = imageOf(model);
    const info = model.inputs.find(({ name }) => name === image);
    const dims = ((info && declaredDims(info)) ?? []).map((d) => (typeof d === "number" && d > 0 ? d : -1));
    const known = { ...this.options, layout: pictureLayout(this.options.layout) };
    if (stated === undefined) return { preprocess: assumePreprocess(dims, known), assumed: true };
    return { preprocess: atFixedSize(forInput(fromHuggingFace(stated), known, dims), dims), assumed: false };
  }
}

/** A network of one size gets it, whatever aspect the preprocessing would keep. */
function atFixedSize(preprocess: Preprocess, dims: readonly number[]): Preprocess {
  const [height = -1, width = -1] = preprocess.layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3);
  const fits = (size: Size | undefined) => size?.width === width && size?.height === height;
  if (!(height > 0 && width > 0) || fits(preprocess.pad?.size) || fits(sizeOf(preprocess))) return preprocess;
  return { ...preprocess, resize: { width, height }, crop: undefined };
}

/** The first whole number among values of configurations; of a list its first. */
export function firstNumber(...values: readonly unknown[]): number | undefined {
  for (const value of values) {
    const one = Array.isArray(value) ? value[0] : value;
    if (typeof one === "number" && Number.isInteger(one) && one >= 0) return one;
  }
  return undefined;
}
