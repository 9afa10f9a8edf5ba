/** @file Opening a question answerer from disk. */

import path from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import { type Answered, Answerer, type QuestionOptions } from "../tasks/answering.ts";
import { labelsFrom } from "../tasks/open.ts";
import { firstNumber, inner, type LoadLanguageOptions, ModelFolder } from "./language.ts";
import { checkProviders, modelIn } from "./load.ts";
import { loadRuntime } from "./runtime.ts";

/** The answerer that comes with the package: CNN and GRU, for questions about scenes of simple shapes. */
export const bundledAnswerer = fileURLToPath(new URL("../../models/scenes-answerer", import.meta.url));

/** An answerer opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedAnswerer {
  constructor(
    readonly answerer: Answerer,
    /** SHA-256 of the ONNX file, hexadecimal. */
    readonly sha256: string,
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

/** A tokenizer's own limit is as good as none where it is larger. */
const largestLimit = 100_000;

/**
 * Opens a question answerer.
 * @param source a directory with `model.onnx` (or `onnx/model.onnx`), `config.json` with the answers (`id2label`), and `tokenizer.json`.
 * @throws UserError for missing or broken files, and for what is no answerer.
 */
export async function loadAnswerer(
  source: string = bundledAnswerer,
  options: LoadLanguageOptions = {},
): Promise<LoadedAnswerer> {
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const folder = await ModelFolder.open(source);
  const file = path.relative(folder.directory, await modelIn(folder.directory));
  const model = await folder.model(file);
  const config = await folder.json("config.json", "model configuration");
  const answers = labelsFrom(config);
  if (!answers.length)
    throw new UserError("missing-file", `missing answers: ${folder.file("config.json")} has no id2label`);
  const tokenizer = await folder.tokenizer();
  const { model_max_length } = await folder.json("tokenizer_config.json", "tokenizer configuration");
  const text = inner(config, "text_config");
  const limits = [config.max_length, model_max_length, config.max_position_embeddings, text.max_position_embeddings];
  const { preprocess, assumed } = await folder.preprocess(model, options);
  const answerer = new Answerer(ort, model, {
    ...{ name: folder.name, answers, tokenizer, preprocess },
    most: Math.min(...limits.map((limit) => firstNumber(limit) ?? largestLimit)),
    padding: firstNumber(config.pad_token_id, text.pad_token_id),
    // transformers takes sigmoids of ViLT's answers, which do not exclude each other.
    independent: config.model_type === "vilt" || config.problem_type === "multi_label_classification",
    layer: options.layer,
    tokens: options.tokens,
    session: folder.session(file, options),
  });
  return new LoadedAnswerer(answerer, folder.sha256, ort.version, assumed, options);
}
