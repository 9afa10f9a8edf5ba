/** @file A captioner from the directory that it comes in, in the layouts that captioners have. */
import { UserError } from "../errors.ts";
import type { Model } from "../onnx/model.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";
import { readCaptionerJson } from "./captioner-json.ts";
import { Captioner } from "./captioning.ts";
import { type FolderFiles, firstNumber, inner, type Json, type LanguageOptions, ModelFolder } from "./folder.ts";
import type { Narrator } from "./narrator.ts";
import { sequenceNarrator } from "./sequence-narrator.ts";
import { stepNarrator } from "./step-narrator.ts";

/** What a layout says of a captioner. */
interface Found {
  readonly narrator: Narrator;
  /** The model that takes the picture. */
  readonly image: Model;
  /** Of the file that was read last: it finds the weights that lie beside any of them. */
  readonly session: SessionOptions;
  readonly start: readonly number[];
  readonly end: number;
  /** Tokens of a sentence that is made at most, the end among them; and tokens that are read at most, the start among them. */
  readonly most: number;
  readonly places: number;
  readonly beams?: number;
}

/** @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner. */
export async function openCaptioner(
  ort: Runtime,
  files: FolderFiles,
  options: LanguageOptions,
): Promise<{ captioner: Captioner; assumed: boolean }> {
  const folder = new ModelFolder(files, options);
  const found = (await steps(ort, folder)) ?? (await sequence(ort, folder));
  const tokenizer = await folder.tokenizer();
  const { preprocess, assumed } = await folder.preprocess(found.image);
  const { layer, tokens } = options;
  const captioner = new Captioner(ort, { ...found, name: files.name, tokenizer, preprocess, layer, tokens });
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

const encoders = ["onnx/encoder_model.onnx", "encoder_model.onnx", "onnx/vision_model.onnx"];
const decoders = ["onnx/decoder_model.onnx", "decoder_model.onnx"];
const wholes = ["onnx/model.onnx", "model.onnx"];

/** A decoder that reads whole sentences, with an encoder or one inside. */
async function sequence(ort: Runtime, folder: ModelFolder): Promise<Found> {
  const [encoderFile, decoderFile] = [await folder.find(...encoders), await folder.find(...decoders)];
  const whole = encoderFile || decoderFile ? undefined : await folder.find(...wholes);
  if (!whole && !(encoderFile && decoderFile)) {
    const lacks = encoderFile ? decoders[0] : decoderFile ? encoders[0] : undefined;
    const layouts = `expected captioner.json, or ${encoders[0]} and ${decoders[0]}, or ${wholes[0]}`;
    throw new UserError(
      "missing-file",
      `missing ${lacks ? "model" : "captioner.json"}: ${folder.files.path("")}: no ${lacks ?? "captioner in it"}; ${layouts}`,
    );
  }
  const encoder = encoderFile === undefined ? undefined : await folder.model(encoderFile);
  const decoder = await folder.model((whole ?? decoderFile) as string);
  const config = await folder.json("config.json", "model configuration");
  const generation = await folder.json("generation_config.json", "generation configuration");
  const { start, end, places } = specialTokens(config, generation, folder);
  const narrator = sequenceNarrator(ort, encoder?.model, decoder.model, places);
  const length = firstNumber(generation.max_new_tokens) ?? (firstNumber(generation.max_length) ?? 21) - start.length;
  return {
    ...{ narrator, image: (encoder ?? decoder).model, session: decoder.session, start, end },
    ...{ most: length, places: Math.min(places, narrator.places(places)), beams: firstNumber(generation.num_beams) },
  };
}

/** What begins and ends a sentence, and how many places the decoder has. */
function specialTokens(config: Json, generation: Json, folder: ModelFolder) {
  const text = inner(config, "text_config");
  const decoder = inner(config, "decoder");
  const blip = config.model_type === "blip";
  const start = blip
    ? firstNumber(text.bos_token_id, generation.bos_token_id)
    : firstNumber(
        generation.decoder_start_token_id,
        config.decoder_start_token_id,
        decoder.decoder_start_token_id,
        generation.bos_token_id,
        config.bos_token_id,
        decoder.bos_token_id,
        text.bos_token_id,
      );
  const end = blip
    ? firstNumber(text.sep_token_id, generation.eos_token_id)
    : firstNumber(generation.eos_token_id, config.eos_token_id, decoder.eos_token_id, text.eos_token_id);
  if (start === undefined || end === undefined) {
    const lacks = start === undefined ? "decoder_start_token_id (or bos_token_id)" : "eos_token_id";
    throw new UserError(
      "invalid-input",
      `missing ${lacks}: neither generation_config.json nor config.json in ${folder.files.path("")} has it`,
    );
  }
  const positions = [config, decoder, text].flatMap((c) => [c.n_positions, c.max_position_embeddings]);
  return { start: [start], end, places: firstNumber(...positions) ?? 512 };
}
