/** @file A vision-language model from the directory that it comes in: `vision_encoder.onnx`, `embed_tokens.onnx` and a decoder of embedded words. */
import { present, UserError } from "../../errors.ts";
import { sizeOf } from "../../image/framing.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import type { Model } from "../../onnx/model.ts";
import { observe, typeOf } from "../../onnx/observe.ts";
import { makeValueInfo } from "../../onnx/proto.ts";
import type { Runtime, SessionOptions } from "../../onnx/runtime.ts";
import { withoutCache } from "../../onnx/without-cache.ts";
import { chatTemplate, tokenText } from "../formats/chat-template.ts";
import { firstNumber, type ModelFolder } from "../formats/folder.ts";
import { type Sentencing, sentencingOf } from "../formats/special-tokens.ts";
import { checkedText } from "../formats/tokenizer.ts";
import { imageOf } from "./decoder.ts";
import type { SentenceModelOptions } from "./sentence-model.ts";
import { type QuestionReader, sequenceDecoder } from "./sequence-decoder.ts";
import { pictureDecoder } from "./vision-language.ts";

/** What a layout says of a model that writes, beside what all layouts say alike. */
export type SentenceParts = Sentencing & Pick<SentenceModelOptions, "narrator" | "asked">;

export type AnsweringParts = SentenceParts & Required<Pick<SentenceParts, "asked">>;

/** What writes by a decoder of whole sentences, and an encoder where it is apart. */
export async function writing(
  ort: Runtime,
  folder: ModelFolder,
  [encoder, decoder]: readonly [encoder: Model | undefined, decoder: Model],
  question?: QuestionReader,
): Promise<SentenceParts> {
  const sentencing = await sentencingOf(folder);
  const narrator = sequenceDecoder(ort, encoder, withoutCache(decoder), sentencing.places, question);
  return { ...sentencing, narrator, places: Math.min(sentencing.places, narrator.places(sentencing.places)) };
}

const parts = [["vision_encoder"], ["embed_tokens"], ["decoder_model_merged", "decoder_model"]] as const;

/**
 * @returns undefined where `config.json` tells of no picture among the words
 * @throws UserError for missing or broken files, and for parts that do not fit each other.
 */
export async function visionLanguage(ort: Runtime, folder: ModelFolder): Promise<AnsweringParts | undefined> {
  const config = await folder.json("config.json", "model configuration");
  const picture = firstNumber(config.image_token_index, config.image_token_id);
  if (picture === undefined) return undefined;
  const [seeing, embedding, telling] = await folder.models(parts, "a vision-language model has");
  const { preprocess } = await folder.preprocess(seeing);
  const features = await featuresOf(ort, seeing, preprocess, folder.session);
  const tokenizer = await folder.tokenizer();
  const said = await folder.json("tokenizer_config.json", "tokenizer configuration");
  const template = await chatTemplate(folder, said);
  const bos = tokenText(said.bos_token);

  const { count } = features;
  const encoded = (text: string) => {
    const special = !(bos && text.startsWith(bos));
    return tokenizer.encode(text, "question", { special, verbatim: true });
  };
  // Nothing is asked yet: what comes before the picture is read alone.
  const [before = "", ...after] = template("").split(tokenizer.tokenText(picture));
  if (after.length !== 1)
    throw new UserError(
      "invalid-input",
      `invalid chat template: the picture's token, "${tokenizer.tokenText(picture)}", is there ${after.length} times; expected once`,
    );
  const from = encoded(before + tokenizer.tokenText(picture)).indexOf(picture);
  const info = makeValueInfo(features.name, features.type, ["batch", count, features.channels]);
  const decoder = pictureDecoder(embedding, withoutCache(telling), info, { from, count });
  const asked = (question: string) => {
    const tokens = encoded(template(checkedText(question, "question")));
    const places = tokens.flatMap((id, place) => (id === picture ? [place] : []));
    if (places.length !== 1 || places[0] !== from)
      throw new UserError("invalid-input", `invalid question: it holds the picture's token, or moves it`);
    const start = [...tokens.slice(0, from), ...Array<number>(count).fill(picture), ...tokens.slice(from + 1)];
    return { tokens, start };
  };
  return { ...(await writing(ort, folder, [seeing, decoder])), asked };
}

/** What the encoder gives of one picture: [1, places, channels]. */
async function featuresOf(ort: Runtime, model: Model, preprocess: Preprocess, session: SessionOptions) {
  const size = sizeOf(preprocess);
  const shapes = size ? { [imageOf(model)]: [1, 3, size.height, size.width] } : {};
  const name = present(model.outputs[0], "an output");
  const { type, dims } = typeOf(model, await observe(ort, model, shapes, session), name);
  const [, count = -1, channels = -1] = dims;
  if (dims.length === 3 && count > 0 && channels > 0) return { name, type, count, channels };
  throw new UserError(
    "invalid-model",
    `invalid encoder: its "${name}" has shape [${dims}]; expected a known number of places: [pictures, places, channels]`,
  );
}
