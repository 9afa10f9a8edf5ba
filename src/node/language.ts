/** @file What captioners and answerers on disk share: their tokenizer, their preprocessing, their parts. */
import { createHash } from "node:crypto";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { TokenGrid } from "../explain/layout.ts";
import { assumePreprocess, type KnownPreprocess } from "../image/assume.ts";
import { fromHuggingFace } from "../image/hugging-face.ts";
import type { Preprocess } from "../image/preprocess.ts";
import type { DecodeOptions } from "../image/sharp.ts";
import type { Model } from "../onnx/model.ts";
import { declaredDims } from "../onnx/proto.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { upgrade } from "../onnx/upgrade.ts";
import { imageOf } from "../tasks/narrator.ts";
import { readNamed, withGiven } from "../tasks/open.ts";
import { TextTokenizer } from "../tasks/tokenizer.ts";
import { exists, isDirectory, readModelBytes } from "./files.ts";
import { checkExternalData, externalDataBeside, readIfThere } from "./load.ts";

export interface LoadLanguageOptions extends KnownPreprocess, DecodeOptions {
  readonly layer?: string;
  /** Where layers hold tokens: their grid; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

/** The content of a JSON file; undefined for any other. */
export type Json = Readonly<Record<string, unknown>>;

/** A directory that holds a model and its configuration. */
export class ModelFolder {
  readonly #hash = createHash("sha256");

  private constructor(readonly directory: string) {}

  /** @throws UserError `missing-file` where it is no directory. */
  static async open(directory: string): Promise<ModelFolder> {
    if (await isDirectory(directory)) return new ModelFolder(directory);
    const why = (await exists(directory))
      ? "is a file; expected a directory with a tokenizer.json"
      : "no such directory";
    throw new UserError("missing-file", `missing model: ${directory}: ${why}`);
  }

  get name(): string {
    return path.basename(path.resolve(this.directory));
  }

  /** SHA-256 of the ONNX files that were read, one after the other. */
  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** The first of these files that is there. */
  async find(...names: readonly string[]): Promise<string | undefined> {
    for (const name of names) if (await exists(this.file(name))) return name;
    return undefined;
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  /** The object in a JSON file; {} where there is no such file. */
  async json(name: string, what: string): Promise<Json> {
    const content = await readIfThere(this.file(name), what);
    if (content === undefined) return {};
    if (typeof content === "object" && content !== null && !Array.isArray(content)) return content as Json;
    throw new UserError("invalid-input", `invalid ${what}: ${this.file(name)} holds no object`);
  }

  async model(name: string): Promise<Model> {
    const bytes = await readModelBytes(this.file(name));
    const model = readNamed(bytes, this.file(name));
    await checkExternalData(model, this.file(name));
    this.#hash.update(bytes);
    return upgrade(model);
  }

  /** @throws UserError `missing-file` without a tokenizer.json. */
  async tokenizer(): Promise<TextTokenizer> {
    const [name, config] = ["tokenizer.json", "tokenizer_config.json"];
    if (!(await this.find(name)))
      throw new UserError(
        "missing-file",
        `missing tokenizer: ${this.file(name)}: no such file; save it with AutoTokenizer(..., use_fast=True).save_pretrained`,
      );
    return new TextTokenizer(await this.json(name, "tokenizer"), await this.json(config, "tokenizer configuration"));
  }

  /** As the folder says, or as is usual for the model's picture; `options` override both. */
  async preprocess(model: Model, options: KnownPreprocess): Promise<{ preprocess: Preprocess; assumed: boolean }> {
    const stated = await readIfThere(this.file("preprocessor_config.json"), "preprocessor configuration");
    const image = imageOf(model);
    const info = model.inputs.find(({ name }) => name === image);
    const dims = ((info && declaredDims(info)) ?? []).map((d) => (typeof d === "number" && d > 0 ? d : -1));
    if (stated === undefined) return { preprocess: assumePreprocess(dims, options), assumed: true };
    return { preprocess: atFixedSize(withGiven(fromHuggingFace(stated), options), dims), assumed: false };
  }

  /** What ONNX Runtime would print comes as an exception too, and is told in one line. */
  session(name: string, options: LoadLanguageOptions): SessionOptions {
    return { logSeverityLevel: 4, ...externalDataBeside(this.file(name)), ...options.session };
  }
}

/** A network of one size gets it, whatever aspect the preprocessing would keep. */
function atFixedSize(preprocess: Preprocess, dims: readonly number[]): Preprocess {
  const [height, width] = preprocess.layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3);
  const { crop, resize } = preprocess;
  const fits = (size: { width: number; height: number }) => size.width === width && size.height === height;
  if (!(height > 0 && width > 0) || (crop && fits(crop)) || (!crop && resize && "width" in resize && fits(resize)))
    return preprocess;
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

/** An object within a configuration; {} where there is none. */
export const inner = (json: Json, key: string): Json => {
  const value = json[key];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
};
