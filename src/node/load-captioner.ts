/** @file Opening a captioner from disk. */

import type { Picture } from "../image/picture.ts";
import type { Captioned, Captioner, CaptionOptions } from "../tasks/language/captioning.ts";
import { openCaptioner } from "../tasks/language/open-captioner.ts";
import { bundledCaptioner } from "./bundled.ts";
import { LoadedLanguageModel, type LoadLanguageOptions, openFrom } from "./language.ts";

export { bundledCaptioner };

/** A captioner opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedCaptioner extends LoadedLanguageModel<Captioner> {
  get captioner(): Captioner {
    return this.model;
  }

  /**
   * Captions a picture and explains the words, or those of a caption that is given.
   * @param image a file's path, an encoded picture's bytes, or a decoded picture.
   */
  async explain(image: string | Uint8Array | Picture, options: CaptionOptions = {}): Promise<Captioned> {
    return this.model.explain(await this.decoded(image), options);
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
  return new LoadedCaptioner(...(await openFrom(source, options, { name: "loadCaptioner", open: openCaptioner })));
}
