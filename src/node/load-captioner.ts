/** @file Opening a captioner from disk. */

import { checkOptions, expects } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import type { Captioned, Captioner, CaptionOptions } from "../tasks/language/captioning.ts";
import { openCaptioner } from "../tasks/language/open-captioner.ts";
import { bundledCaptioner } from "./bundled.ts";
import { DiskFiles, type LoadLanguageOptions, loadLanguageOptions } from "./language.ts";
import { checkProviders } from "./load.ts";
import { loadRuntime } from "./runtime.ts";

export { bundledCaptioner };

/** A captioner opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedCaptioner {
  constructor(
    readonly captioner: Captioner,
    /** SHA-256 of the ONNX files, one after the other, hexadecimal. */
    readonly sha256: string,
    /** The ONNX files, relative to the directory. */
    readonly files: readonly string[],
    readonly runtimeVersion: string,
    /** Whether the preprocessing was assumed, since the folder says nothing of it. */
    readonly assumed: boolean,
    private readonly decoding: DecodeOptions,
  ) {}

  /**
   * Captions a picture and explains the words, or those of a caption that is given.
   * @param image a file's path, an encoded picture's bytes, or a decoded picture.
   */
  async explain(image: string | Uint8Array | Picture, options: CaptionOptions = {}): Promise<Captioned> {
    const encoded = typeof image === "string" || image instanceof Uint8Array;
    return this.captioner.explain(encoded ? await decode(image, this.decoding) : image, options);
  }

  release(): Promise<void> {
    return this.captioner.release();
  }
}

/**
 * Opens a captioner.
 * @param source a directory with `captioner.json`, or in the layout of transformers.js: `onnx/encoder_model.onnx` and
 *   `onnx/decoder_model.onnx`, or one `onnx/model.onnx` that takes picture and words; each with its `tokenizer.json`.
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner.
 */
export async function loadCaptioner(
  source: string = bundledCaptioner,
  options: LoadLanguageOptions = {},
): Promise<LoadedCaptioner> {
  checkOptions(options, loadLanguageOptions, "loadCaptioner");
  expects(typeof source === "string", "model", source, "the path of a directory");
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const files = await DiskFiles.open(source);
  const { captioner, assumed } = await openCaptioner(ort, files, options);
  return new LoadedCaptioner(captioner, files.sha256, files.models, ort.version, assumed, options);
}
