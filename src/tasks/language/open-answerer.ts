/** @file A VQA model from the directory that it comes in: one that chooses among answers, or one that writes them. */
import { UserError } from "../../errors.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { withoutCache } from "../../onnx/without-cache.ts";
import {
  type FolderFiles,
  type FromFolder,
  firstNumber,
  inner,
  type LanguageOptions,
  ModelFolder,
} from "../formats/folder.ts";
import { labelsFrom } from "../formats/label-file.ts";
import { sentencingOf } from "../formats/special-tokens.ts";
import { onlyUsual } from "../placing.ts";
import { Answerer } from "./answering.ts";
import { GenerativeAnswerer } from "./generative-answerer.ts";
import { type AnsweringParts, visionLanguage } from "./open-vision-language.ts";
import { sequenceDecoder } from "./sequence-decoder.ts";

/** A tokenizer's own limit is as good as none where it is larger. */
const largestLimit = 100_000;

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no VQA model. */
export async function openAnswerer(
  ort: Runtime,
  files: FolderFiles,
  options: LanguageOptions,
): Promise<FromFolder<Answerer | GenerativeAnswerer>> {
  const folder = new ModelFolder(files, options);
  const writing = (await visionLanguage(ort, folder)) ?? (await blip(ort, folder));
  if (!writing) return choosing(ort, folder, options);
  onlyUsual(options);
  const { assumed, ...common } = await folder.common(writing.image);
  return { model: new GenerativeAnswerer(ort, { ...writing, ...common }), assumed };
}

/** BLIP's three parts: what sees the picture, what reads the question in its light, and what writes the answer. */
async function blip(ort: Runtime, folder: ModelFolder): Promise<AnsweringParts | undefined> {
  const { model_type } = await folder.json("config.json", "model configuration");
  if (model_type !== "blip") return undefined;
  const parts = [["vision_model"], ["text_encoder"], ["text_decoder"]] as const;
  const [vision, reader, writer] = await folder.models(parts, "expected");
  const sentencing = await sentencingOf(folder);
  const { most, padding = 0 } = await limitsOf(folder);
  const question = { model: reader.model, most, padding };
  const narrator = sequenceDecoder(ort, vision.model, withoutCache(writer.model), sentencing.places, question);
  const tokenizer = await folder.tokenizer();
  const asked = (question: string) => {
    const tokens = tokenizer.encode(question, "question", { special: true });
    return { tokens, feeds: narrator.asked?.(tokens) };
  };
  const places = Math.min(sentencing.places, narrator.places(sentencing.places));
  return { ...sentencing, narrator, asked, image: vision.model, session: writer.session, places };
}

/** One model of picture and question, and a list of answers. */
async function choosing(ort: Runtime, folder: ModelFolder, options: LanguageOptions): Promise<FromFolder<Answerer>> {
  const { files } = folder;
  const { model, session } = await folder.model((await folder.part("model")) ?? (await files.modelFile()));
  const config = await folder.json("config.json", "model configuration");
  const answers = labelsFrom(config);
  if (!answers.length)
    throw new UserError("missing-file", `missing answers: ${files.path("config.json")} has no id2label`);
  const { assumed, ...common } = await folder.common(model);
  const answerer = new Answerer(ort, model, {
    ...{ ...common, answers, session, peak: options.peak, align: options.align },
    ...(await limitsOf(folder)),
    // transformers takes sigmoids of ViLT's answers, which do not exclude each other.
    independent: config.model_type === "vilt" || config.problem_type === "multi_label_classification",
  });
  return { model: answerer, assumed };
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
