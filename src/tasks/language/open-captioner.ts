/** @file A captioner from the directory that it comes in, in the layouts that captioners have. */
import { UserError } from "../../errors.ts";
import type { Model } from "../../onnx/model.ts";
import type { Runtime, SessionOptions } from "../../onnx/runtime.ts";
import { withoutCache } from "../../onnx/without-cache.ts";
import { readCaptionerJson } from "../formats/captioner-json.ts";
import { type FolderFiles, type LanguageOptions, ModelFolder } from "../formats/folder.ts";
import { placesOf } from "../formats/model-files.ts";
import { type Sentencing, sentencingOf } from "../formats/special-tokens.ts";
import { onlyUsual } from "../placing.ts";
import { Captioner } from "./captioning.ts";
import type { Narrator } from "./narrator.ts";
import { visionLanguage } from "./open-vision-language.ts";
import { sequenceNarrator } from "./sequence-narrator.ts";
import { stepNarrator } from "./step-narrator.ts";

/** What a layout says of a captioner. */
interface Found extends Sentencing {
  readonly narrator: Narrator;
  /** The model that takes the picture. */
  readonly image: Model;
  /** Of the file that was read last: it finds the weights that lie beside any of them. */
  readonly session: SessionOptions;
}

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner. */
export async function openCaptioner(
  ort: Runtime,
  files: FolderFiles,
  options: LanguageOptions,
): Promise<{ captioner: Captioner; assumed: boolean }> {
  onlyUsual(options);
  const folder = new ModelFolder(files, options);
  const { layer, tokens } = options;
  const stepping = await steps(ort, folder);
  const conversing = stepping ? undefined : await visionLanguage(ort, folder);
  if (conversing) {
    const captioner = new Captioner(ort, { ...conversing, name: files.name, layer, tokens });
    return { captioner, assumed: conversing.assumed };
  }
  const found = stepping ?? (await sequence(ort, folder));
  const tokenizer = await folder.tokenizer();
  const { preprocess, assumed } = await folder.preprocess(found.image);
  const familiar = await folder.familiar();
  const captioner = new Captioner(ort, { ...found, name: files.name, tokenizer, preprocess, familiar, layer, tokens });
  return { captioner, assumed };
}

/** An encoder, and a decoder that reads one word at a time. */
async function steps(ort: Runtime, folder: ModelFolder): Promise<Found | undefined> {
  if (!(await folder.find("captioner.json"))) return undefined;
  const said = readCaptionerJson(await folder.json("captioner.json", "captioner.json"));
  const encoder = await folder.model(said.encoder);
  const decoder = await folder.model(said.decoder);
  const most = said.maxLength - 1;
  return {
    narrator: stepNarrator(ort, encoder.model, decoder.model, said.names),
    ...{ image: encoder.model, session: decoder.session, start: [said.start], end: said.end, most, places: most },
  };
}

/** A decoder that reads whole sentences, with an encoder or one inside. */
async function sequence(ort: Runtime, folder: ModelFolder): Promise<Found> {
  const [encoders, decoders] = [
    ["encoder_model", "vision_model"] as const,
    ["decoder_model", "decoder_model_merged"] as const,
  ];
  // Asked first, for on a server each file that is not there is a question of its own.
  const alone =
    !(await folder.find(...placesOf([...encoders, ...decoders], "fp32"))) &&
    (await folder.find(...placesOf(["model"], "fp32")));
  const encoderFile = alone ? undefined : await folder.part(...encoders);
  const decoderFile = alone ? undefined : await folder.part(...decoders);
  const whole = encoderFile || decoderFile ? undefined : await folder.part("model");
  if (!whole && !(encoderFile && decoderFile)) {
    const [encoder, decoder] = ["onnx/encoder_model.onnx", "onnx/decoder_model.onnx"];
    const lacks = encoderFile ? decoder : decoderFile ? encoder : undefined;
    const layouts = `expected captioner.json, or ${encoder} and ${decoder} (or decoder_model_merged.onnx), or onnx/model.onnx`;
    throw new UserError(
      "missing-file",
      `missing ${lacks ? "model" : "captioner.json"}: ${folder.files.path("")}: no ${lacks ?? "captioner in it"}; ${layouts}`,
    );
  }
  const encoder = encoderFile === undefined ? undefined : await folder.model(encoderFile);
  const decoder = await folder.model((whole ?? decoderFile) as string);
  const sentencing = await sentencingOf(folder);
  const narrator = sequenceNarrator(ort, encoder?.model, withoutCache(decoder.model), sentencing.places);
  const places = Math.min(sentencing.places, narrator.places(sentencing.places));
  return { ...sentencing, narrator, image: (encoder ?? decoder).model, session: decoder.session, places };
}
