/** @file Opening a VQA model from disk. */

import type { Picture } from "../image/picture.ts";
import type { Answered, Answerer, QuestionOptions } from "../tasks/language/answering.ts";
import type { GenerativeAnswerer } from "../tasks/language/generative-answerer.ts";
import { openAnswerer } from "../tasks/language/open-answerer.ts";
import { bundledAnswerer } from "./bundled.ts";
import { LoadedLanguageModel, type LoadLanguageOptions, openFrom } from "./language.ts";

export { bundledAnswerer };

/** A VQA model opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedAnswerer extends LoadedLanguageModel<Answerer | GenerativeAnswerer> {
  get answerer(): Answerer | GenerativeAnswerer {
    return this.model;
  }

  /**
   * Answers a question about a picture and explains answers.
   * @param image a file's path, an encoded picture's bytes, or a decoded picture.
   */
  async ask(image: string | Uint8Array | Picture, question: string, options: QuestionOptions = {}): Promise<Answered> {
    return this.model.ask(await this.decoded(image), question, options);
  }
}

/**
 * Opens a VQA model.
 * @param source a directory with `tokenizer.json` and `model.onnx` (or `onnx/model.onnx`), whose answers `config.json` lists (`id2label`); or
 *   with `onnx/vision_model.onnx`, `onnx/text_encoder.onnx` and `onnx/text_decoder.onnx`, which write their answers.
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no VQA model.
 */
export async function loadAnswerer(
  source: string = bundledAnswerer,
  options: LoadLanguageOptions = {},
): Promise<LoadedAnswerer> {
  return new LoadedAnswerer(...(await openFrom(source, options, { name: "loadAnswerer", open: openAnswerer })));
}
