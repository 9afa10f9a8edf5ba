/** @file A question answerer from the directory that it comes in. */
import { UserError } from "../errors.ts";
import type { Runtime } from "../onnx/runtime.ts";
import { Answerer } from "./answering.ts";
import { type FolderFiles, firstNumber, inner, type LanguageOptions, ModelFolder } from "./folder.ts";
import { labelsFrom } from "./open.ts";

/** A tokenizer's own limit is as good as none where it is larger. */
const largestLimit = 100_000;

/** @throws UserError for missing or broken files, and for what is no answerer. */
export async function openAnswerer(
  ort: Runtime,
  files: FolderFiles,
  options: LanguageOptions,
): Promise<{ answerer: Answerer; assumed: boolean }> {
  const folder = new ModelFolder(files, options);
  const { model, session } = await folder.model(await files.modelFile());
  const config = await folder.json("config.json", "model configuration");
  const answers = labelsFrom(config);
  if (!answers.length)
    throw new UserError("missing-file", `missing answers: ${files.path("config.json")} has no id2label`);
  const tokenizer = await folder.tokenizer();
  const { model_max_length } = await folder.json("tokenizer_config.json", "tokenizer configuration");
  const text = inner(config, "text_config");
  const limits = [config.max_length, model_max_length, config.max_position_embeddings, text.max_position_embeddings];
  const { preprocess, assumed } = await folder.preprocess(model);
  const answerer = new Answerer(ort, model, {
    ...{ name: files.name, answers, tokenizer, preprocess, session },
    most: Math.min(...limits.map((limit) => firstNumber(limit) ?? largestLimit)),
    padding: firstNumber(config.pad_token_id, text.pad_token_id),
    // transformers takes sigmoids of ViLT's answers, which do not exclude each other.
    independent: config.model_type === "vilt" || config.problem_type === "multi_label_classification",
    layer: options.layer,
    tokens: options.tokens,
  });
  return { answerer, assumed };
}
