/** @file A captioner from the directory that it comes in, in the layouts that captioners have. */
import { UserError } from "../../errors.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { readCaptionerJson } from "../formats/captioner-json.ts";
import { type FolderFiles, type LanguageOptions, ModelFolder } from "../formats/folder.ts";
import { placesOf } from "../formats/model-files.ts";
import { onlyUsual } from "../placing.ts";
import { Captioner } from "./captioning.ts";
import { imagePart } from "./decoder.ts";
import { type SentenceParts, visionLanguage, writing } from "./open-vision-language.ts";
import { stepDecoder } from "./step-decoder.ts";

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner. */
export async function openCaptioner(ort: Runtime, files: FolderFiles, options: LanguageOptions): Promise<Captioner> {
  onlyUsual(options);
  const folder = new ModelFolder(files, options);
  const found = (await steps(ort, folder)) ?? (await visionLanguage(ort, folder)) ?? (await sequence(ort, folder));
  return new Captioner(ort, { ...found, ...(await folder.common(imagePart(found.narrator))) });
}

/** An encoder, and a decoder that reads one word at a time. */
async function steps(ort: Runtime, folder: ModelFolder): Promise<SentenceParts | undefined> {
  if (!(await folder.find("captioner.json"))) return undefined;
  const said = readCaptionerJson(await folder.json("captioner.json", "captioner.json"));
  const encoder = await folder.model(said.encoder);
  const narrator = stepDecoder(ort, encoder, await folder.model(said.decoder), said);
  const most = said.maxLength - 1;
  return { narrator, start: [said.start], end: said.end, most, places: most };
}

/** A decoder that reads whole sentences, with an encoder or one inside. */
async function sequence(ort: Runtime, folder: ModelFolder): Promise<SentenceParts> {
  const [encoders, decoders, one] = [
    ["encoder_model", "vision_model"],
    ["decoder_model", "decoder_model_merged"],
    ["model"],
  ];
  // Asked first, for on a server each file that is not there is a question of its own.
  const apart = await folder.find(...placesOf([...encoders, ...decoders], "fp32"));
  const alone = !apart && (await folder.find(...placesOf(one, "fp32")));
  const encoder = alone ? undefined : await folder.part(...encoders);
  const decoder = alone ? undefined : await folder.part(...decoders);
  const whole = encoder || decoder ? undefined : await folder.part(...one);
  if (whole) return writing(ort, folder, [undefined, await folder.model(whole)]);
  if (encoder && decoder) return writing(ort, folder, [await folder.model(encoder), await folder.model(decoder)]);
  const [first, second] = ["onnx/encoder_model.onnx", "onnx/decoder_model.onnx"];
  const lacks = encoder ? second : decoder ? first : undefined;
  const seen = `missing ${lacks ? "model" : "captioner.json"}: ${folder.files.path("")}: no ${lacks ?? "captioner in it"}`;
  const layouts = `captioner.json, or ${first} and ${second} (or decoder_model_merged.onnx), or onnx/model.onnx`;
  throw new UserError("missing-file", `${seen}; expected ${layouts}`);
}
