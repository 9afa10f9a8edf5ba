/** @file A question answerer from the directory that it comes in: one that chooses among answers, or one that writes them. */
import { UserError } from "../../errors.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { withoutCache } from "../../onnx/without-cache.ts";
import { type FolderFiles, firstNumber, inner, type LanguageOptions, ModelFolder } from "../formats/folder.ts";
import { sentencingOf } from "../formats/special-tokens.ts";
import { labelsFrom } from "../open.ts";
import { onlyUsual } from "../placing.ts";
import { Answerer } from "./answering.ts";
import { GenerativeAnswerer } from "./generative-answerer.ts";
import { visionLanguage } from "./open-vision-language.ts";
import { sequenceNarrator } from "./sequence-narrator.ts";

/** A tokenizer's own limit is as good as none where it is larger. */
const largestLimit = 100_000;

/** An answerer, and whether its preprocessing was assumed. */
interface Opened {
  readonly answerer: Answerer | GenerativeAnswerer;
  readonly assumed: boolean;
}

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no answerer. */
export async function openAnswerer(ort: Runtime, files: FolderFiles, options: LanguageOptions): Promise<Opened> {
  const folder = new ModelFolder(files, options);
  const conversing = await visionLanguage(ort, folder);
  if (!conversing) return (await writing(ort, folder, options)) ?? choosing(ort, folder, options);
  onlyUsual(options);
  const { layer, tokens } = options;
  const answerer = new GenerativeAnswerer(ort, { ...conversing, name: files.name, layer, tokens });
  return { answerer, assumed: conversing.assumed };
}

const blip = ["vision_model", "text_encoder", "text_decoder"] as const;

/** BLIP's three parts: what sees the picture, what reads the question in its light, and what writes the answer. */
async function writing(ort: Runtime, folder: ModelFolder, options: LanguageOptions): Promise<Opened | undefined> {
  const { files } = folder;
  const { model_type } = await folder.json("config.json", "model configuration");
  if (model_type !== "blip") return undefined;
  const [vision, reader, writer] = await Promise.all(blip.map((part) => folder.part(part)));
  if (!vision || !reader || !writer) {
    const lacking = blip.filter((_, i) => ![vision, reader, writer][i]).map((part) => `onnx/${part}.onnx`);
    const expected = blip.map((part) => `onnx/${part}.onnx`).join(", ");
    const directory = files.path("");
    throw new UserError(
      "missing-file",
      `missing model: ${directory}: no ${lacking.join(", no ")}; expected ${expected}`,
    );
  }
  const seeing = await folder.model(vision);
  const reading = await folder.model(reader);
  onlyUsual(options);
  const telling = await folder.model(writer);
  const sentencing = await sentencingOf(folder);
  const { most, padding } = await limitsOf(folder);
  const question = { model: reading.model, most, padding: padding ?? 0 };
  const narrator = sequenceNarrator(ort, seeing.model, withoutCache(telling.model), sentencing.places, question);
  const tokenizer = await folder.tokenizer();
  const { preprocess, assumed } = await folder.preprocess(seeing.model);
  const { layer, tokens } = options;
  const asked = (question: string) => {
    const tokens = tokenizer.encode(question, "question", { special: true });
    return { tokens, feeds: narrator.asked?.(tokens) };
  };
  const answerer = new GenerativeAnswerer(ort, {
    ...{
      ...sentencing,
      narrator,
      asked,
      tokenizer,
      preprocess,
      layer,
      tokens,
      name: files.name,
      session: telling.session,
    },
    places: Math.min(sentencing.places, narrator.places(sentencing.places)),
  });
  return { answerer, assumed };
}

/** One model of picture and question, and a list of answers. */
async function choosing(ort: Runtime, folder: ModelFolder, options: LanguageOptions): Promise<Opened> {
  const { files } = folder;
  const { model, session } = await folder.model((await folder.part("model")) ?? (await files.modelFile()));
  const config = await folder.json("config.json", "model configuration");
  const answers = labelsFrom(config);
  if (!answers.length)
    throw new UserError("missing-file", `missing answers: ${files.path("config.json")} has no id2label`);
  const tokenizer = await folder.tokenizer();
  const { preprocess, assumed } = await folder.preprocess(model);
  const answerer = new Answerer(ort, model, {
    ...{ name: files.name, answers, tokenizer, preprocess, session },
    ...(await limitsOf(folder)),
    // transformers takes sigmoids of ViLT's answers, which do not exclude each other.
    independent: config.model_type === "vilt" || config.problem_type === "multi_label_classification",
    familiar: await folder.familiar(),
    layer: options.layer,
    tokens: options.tokens,
    peak: options.peak,
    align: options.align,
  });
  return { answerer, assumed };
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
