/** @file The directory of a captioner or a VQA model, on disk. */
import { createHash } from "node:crypto";
import path from "node:path";
import { checkOptions, expects, type OptionNames, UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode, decodeOptions } from "../image/sharp.ts";
import type { Model } from "../onnx/model.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";
import { type FolderFiles, type LanguageOptions, languageOptions } from "../tasks/formats/folder.ts";
import type { LanguageModel } from "../tasks/language/language-model.ts";
import { checkBundled } from "./bundled.ts";
import { exists, isDirectory, readBytes, readModelBytes } from "./files.ts";
import { checkExternalData, checkProviders, externalDataBeside, modelIn } from "./load.ts";
import { loadRuntime } from "./runtime.ts";

export interface LoadLanguageOptions extends LanguageOptions, DecodeOptions {}

export const loadLanguageOptions: OptionNames<LoadLanguageOptions> = { ...languageOptions, ...decodeOptions };

/** A model of pictures and words that was opened from disk. */
export abstract class LoadedLanguageModel<M extends LanguageModel> {
  /** SHA-256 of the ONNX files, one after the other, hexadecimal. */
  readonly sha256: string;
  /** The ONNX files, relative to the directory. */
  readonly files: readonly string[];
  /** Whether the preprocessing was assumed, since the folder says nothing of it. */
  readonly assumed: boolean;

  constructor(
    protected readonly model: M,
    { sha256, models }: DiskFiles,
    readonly runtimeVersion: string,
    private readonly decoding: DecodeOptions,
  ) {
    this.sha256 = sha256;
    this.files = models;
    this.assumed = model.assumed;
  }

  protected async decoded(image: string | Uint8Array | Picture): Promise<Picture> {
    return typeof image === "string" || image instanceof Uint8Array ? decode(image, this.decoding) : image;
  }

  release(): Promise<void> {
    return this.model.release();
  }
}

/** Opens the model in a directory; @throws UserError for what may not be asked, and what `open` throws. */
export async function openFrom<M>(
  source: string,
  options: LoadLanguageOptions,
  { name, open }: { name: string; open: (ort: Runtime, files: DiskFiles, options: LanguageOptions) => Promise<M> },
) {
  checkOptions(options, loadLanguageOptions, name);
  expects(typeof source === "string", "model", source, "the path of a directory");
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const files = await DiskFiles.open(source);
  return [await open(ort, files, options), files, ort.version, options] as const;
}

export class DiskFiles implements FolderFiles {
  readonly #hash = createHash("sha256");
  /** The ONNX files that were read, relative to the directory. */
  readonly models: string[] = [];

  private constructor(private readonly directory: string) {}

  /** @throws UserError `missing-file` where it is no directory. */
  static async open(directory: string): Promise<DiskFiles> {
    await checkBundled(directory);
    if (await isDirectory(directory)) return new DiskFiles(directory);
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

  path(file: string): string {
    return file === "" ? this.directory : path.join(this.directory, file);
  }

  has(file: string): Promise<boolean> {
    return exists(this.path(file));
  }

  read(file: string, what: string): Promise<Uint8Array> {
    return readBytes(this.path(file), what);
  }

  async readModel(file: string): Promise<Uint8Array> {
    const bytes = await readModelBytes(this.path(file));
    this.#hash.update(bytes);
    this.models.push(file);
    return bytes;
  }

  async modelFile(): Promise<string> {
    return path.relative(this.directory, await modelIn(this.directory));
  }

  async externalData(model: Model, file: string): Promise<SessionOptions> {
    await checkExternalData(model, this.path(file));
    return externalDataBeside(this.path(file));
  }
}
