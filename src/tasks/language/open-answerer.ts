/** @file A VQA model from the directory that it comes in: one that chooses among answers, or one that writes them. */
import { UserError } from "../../errors.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { type FolderFiles, firstNumber, type LanguageOptions, ModelFolder } from "../formats/folder.ts";
import { inner } from "../formats/json.ts";
import { labelsFrom } from "../formats/label-file.ts";
import { onlyUsual } from "../placing.ts";
import { Answerer } from "./answering.ts";
import { imagePart } from "./decoder.ts";
import { GenerativeAnswerer } from "./generative-answerer.ts";
import { type AnsweringParts, visionLanguage, writing } from "./open-vision-language.ts";

/** A tokenizer's own limit is as good as none where it is larger. */
const largestLimit = 100_000;

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no VQA model. */
export async function openAnswerer(
  ort: Runtime,
  files: FolderFiles,
  options: LanguageOptions,
): Promise<Answerer | GenerativeAnswerer> {
  const folder = new ModelFolder(files, options);
  const writing = (await visionLanguage(ort, folder)) ?? (await blip(ort, folder));
  if (!writing) return choosing(ort, folder, options);
  onlyUsual(options);
  return new GenerativeAnswerer(ort, { ...writing, ...(await folder.common(imagePart(writing.narrator))) });
}

/** BLIP's three parts: what sees the picture, what reads the question in its light, and what writes the answer. */
async function blip(ort: Runtime, folder: ModelFolder): Promise<AnsweringParts | undefined> {
  const { model_type } = await folder.json("config.json", "model configuration");
  if (model_type !== "blip") return undefined;
  const parts = [["vision_model"], ["text_encoder"], ["text_decoder"]] as const;
  const [vision, model, writer] = await folder.models(parts, "expected");
  const { most, padding = 0 } = await limitsOf(folder);
  const written = await writing(ort, folder, [vision, writer], { model, most, padding });
  const tokenizer = await folder.tokenizer();
  const asked = (question: string) => {
    const tokens = tokenizer.encode(question, "question", { special: true });
    return { tokens, feeds: written.narrator.asked?.(tokens) };
  };
  return { ...written, asked };
}

/** One model of picture and question, and a list of answers. */
async function choosing(ort: Runtime, folder: ModelFolder, { peak, align }: LanguageOptions): Promise<Answerer> {
  const { files } = folder;
  const model = await folder.model((await folder.part("model")) ?? (await files.modelFile()));
  const config = await folder.json("config.json", "model configuration");
  const answers = labelsFrom(config);
  if (!answers.length)
    throw new UserError("missing-file", `missing answers: ${files.path("config.json")} has no id2label`);
  return new Answerer(ort, model, {
    ...{ ...(await folder.common(model)), ...(await limitsOf(folder)), answers, peak, align },
    // transformers takes sigmoids of ViLT's answers, which do not exclude each other.
    independent: config.model_type === "vilt" || config.problem_type === "multi_label_classification",
  });
}

/** Tokens of a question at most, and what fills one up. */
async function limitsOf(folder: ModelFolder): Promise<{ most: number; padding?: number }> {
  const config = await folder.json("config.json", "model configuration");
  const { model_max_length } = await folder.json("tokenizer_config.json", "tokenizer configuration");
  const text = inner(config, "text_config");
  const limits = [config.max_length, model_max_length, config.max_position_embeddings, text.max_position_embeddings];
  return {
    most: Math.min(...limits.map((limit) => firstNumber(limit) ?? largestLimit)),
    padding: firstNumber(config.pad_token_id, text.pad_token_id),
  };
}
