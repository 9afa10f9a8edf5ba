/** @file The directory of a captioner or an answerer, on disk. */
import { createHash } from "node:crypto";
import path from "node:path";
import { type OptionNames, UserError } from "../errors.ts";
import { type DecodeOptions, decodeOptions } from "../image/sharp.ts";
import type { Model } from "../onnx/model.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { type FolderFiles, type LanguageOptions, languageOptions } from "../tasks/formats/folder.ts";
import { checkBundled } from "./bundled.ts";
import { exists, isDirectory, readBytes, readModelBytes } from "./files.ts";
import { checkExternalData, externalDataBeside, modelIn } from "./load.ts";

export interface LoadLanguageOptions extends LanguageOptions, DecodeOptions {}

export const loadLanguageOptions: OptionNames<LoadLanguageOptions> = { ...languageOptions, ...decodeOptions };

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
