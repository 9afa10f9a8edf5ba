/** @file Opening a question answerer from disk. */

import { checkOptions, expects } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import type { Answered, Answerer, QuestionOptions } from "../tasks/language/answering.ts";
import type { GenerativeAnswerer } from "../tasks/language/generative-answerer.ts";
import { openAnswerer } from "../tasks/language/open-answerer.ts";
import { bundledAnswerer } from "./bundled.ts";
import { DiskFiles, type LoadLanguageOptions, loadLanguageOptions } from "./language.ts";
import { checkProviders } from "./load.ts";
import { loadRuntime } from "./runtime.ts";

export { bundledAnswerer };

/** An answerer opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedAnswerer {
  constructor(
    readonly answerer: Answerer | GenerativeAnswerer,
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
   * Answers a question about a picture and explains answers.
   * @param image a file's path, an encoded picture's bytes, or a decoded picture.
   */
  async ask(image: string | Uint8Array | Picture, question: string, options: QuestionOptions = {}): Promise<Answered> {
    const encoded = typeof image === "string" || image instanceof Uint8Array;
    return this.answerer.ask(encoded ? await decode(image, this.decoding) : image, question, options);
  }

  release(): Promise<void> {
    return this.answerer.release();
  }
}

/**
 * Opens a question answerer.
 * @param source a directory with `tokenizer.json` and `model.onnx` (or `onnx/model.onnx`), whose answers `config.json` lists (`id2label`); or
 *   with `onnx/vision_model.onnx`, `onnx/text_encoder.onnx` and `onnx/text_decoder.onnx`, which write their answers.
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no answerer.
 */
export async function loadAnswerer(
  source: string = bundledAnswerer,
  options: LoadLanguageOptions = {},
): Promise<LoadedAnswerer> {
  checkOptions(options, loadLanguageOptions, "loadAnswerer");
  expects(typeof source === "string", "model", source, "the path of a directory");
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const files = await DiskFiles.open(source);
  const { answerer, assumed } = await openAnswerer(ort, files, options);
  return new LoadedAnswerer(answerer, files.sha256, files.models, ort.version, assumed, options);
}
