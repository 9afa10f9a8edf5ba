/** @file Opening a captioner from disk, in the layouts that captioners come in. */
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import { type DecodeOptions, decode } from "../image/sharp.ts";
import type { Model } from "../onnx/model.ts";
import { type Captioned, Captioner, type CaptionOptions } from "../tasks/captioning.ts";
import { type Narrator, sequenceNarrator, stepNarrator } from "../tasks/narrator.ts";
import { readCaptionerJson } from "./captioner-json.ts";
import { firstNumber, inner, type Json, type LoadLanguageOptions, ModelFolder } from "./language.ts";
import { checkProviders } from "./load.ts";
import { loadRuntime, type NodeRuntime } from "./runtime.ts";

/** The captioner that comes with the package: CNN and LSTM, for scenes of simple shapes. */
export const bundledCaptioner = fileURLToPath(new URL("../../models/scenes-captioner", import.meta.url));

/** A captioner opened from disk: takes files and bytes as well as decoded pictures. */
export class LoadedCaptioner {
  constructor(
    readonly captioner: Captioner,
    /** SHA-256 of the ONNX files, one after the other, hexadecimal. */
    readonly sha256: string,
    readonly runtimeVersion: string,
    /** Whether the preprocessing was assumed, since the folder says nothing of it. */
    readonly assumed: boolean,
    private readonly decoding: DecodeOptions,
  ) {}

  /**
   * Captions a picture and explains the words, or those of a caption that is given.
   * @param image a file's path, an encoded picture's bytes, or a decoded picture.
   */
  async explain(image: string | Uint8Array | Picture, options: CaptionOptions = {}): Promise<Captioned> {
    const encoded = typeof image === "string" || image instanceof Uint8Array;
    return this.captioner.explain(encoded ? await decode(image, this.decoding) : image, options);
  }

  release(): Promise<void> {
    return this.captioner.release();
  }
}

/** What a layout says of a captioner. */
interface Found {
  readonly narrator: Narrator;
  /** The model that takes the picture, and the file that external data lies beside. */
  readonly image: Model;
  readonly file: string;
  readonly start: readonly number[];
  readonly end: number;
  /** Tokens of a sentence at most, the end among them: of one that is made, and of one that is given. */
  readonly most: number;
  readonly limit: number;
  readonly beams?: number;
}

/**
 * Opens a captioner.
 * @param source a directory with `captioner.json`, or in the layout of transformers.js: `onnx/encoder_model.onnx` and
 *   `onnx/decoder_model.onnx`, or one `onnx/model.onnx` that takes picture and words; each with its `tokenizer.json`.
 * @throws UserError for missing or broken files, for parts that do not fit each other, and for what is no captioner.
 */
export async function loadCaptioner(
  source: string = bundledCaptioner,
  options: LoadLanguageOptions = {},
): Promise<LoadedCaptioner> {
  const ort = await loadRuntime();
  checkProviders(ort, options.session);
  const folder = await ModelFolder.open(source);
  const found = (await steps(ort, folder)) ?? (await sequence(ort, folder));
  const tokenizer = await folder.tokenizer();
  const { preprocess, assumed } = await folder.preprocess(found.image, options);
  const captioner = new Captioner(ort, {
    ...found,
    name: folder.name,
    tokenizer,
    preprocess,
    layer: options.layer,
    tokens: options.tokens,
    session: folder.session(found.file, options),
  });
  return new LoadedCaptioner(captioner, folder.sha256, ort.version, assumed, options);
}

/** An encoder, and a decoder that reads one word at a time. */
async function steps(ort: NodeRuntime, folder: ModelFolder): Promise<Found | undefined> {
  if (!(await folder.find("captioner.json"))) return undefined;
  const said = readCaptionerJson(await folder.json("captioner.json", "captioner.json"));
  const [encoder, decoder] = [await folder.model(said.encoder), await folder.model(said.decoder)];
  const most = said.maxLength - 1;
  return {
    narrator: stepNarrator(ort, encoder, decoder, said.names),
    ...{ image: encoder, file: said.encoder, start: [said.start], end: said.end, most, limit: most },
  };
}

const encoders = ["onnx/encoder_model.onnx", "encoder_model.onnx", "onnx/vision_model.onnx"];
const decoders = ["onnx/decoder_model.onnx", "decoder_model.onnx"];
const wholes = ["onnx/model.onnx", "model.onnx"];

/** A decoder that reads whole sentences, with an encoder or one inside. */
async function sequence(ort: NodeRuntime, folder: ModelFolder): Promise<Found> {
  const [encoderFile, decoderFile] = [await folder.find(...encoders), await folder.find(...decoders)];
  const whole = encoderFile || decoderFile ? undefined : await folder.find(...wholes);
  if (!whole && !(encoderFile && decoderFile)) {
    const lacks = encoderFile ? decoders[0] : decoderFile ? encoders[0] : undefined;
    const layouts = `expected captioner.json, or ${encoders[0]} and ${decoders[0]}, or ${wholes[0]}`;
    throw new UserError(
      "missing-file",
      `missing ${lacks ? "model" : "captioner.json"}: ${folder.directory}: no ${lacks ?? "captioner in it"}; ${layouts}`,
    );
  }
  const encoder = encoderFile && (await folder.model(encoderFile));
  const decoder = await folder.model((whole ?? decoderFile) as string);
  const config = await folder.json("config.json", "model configuration");
  const generation = await folder.json("generation_config.json", "generation configuration");
  const { start, end, places } = specialTokens(config, generation, folder);
  const narrator = sequenceNarrator(ort, encoder || undefined, decoder, places);
  const limit = Math.min(places, narrator.places(places)) - start.length + 1;
  const length = firstNumber(generation.max_new_tokens) ?? (firstNumber(generation.max_length) ?? 21) - start.length;
  return {
    ...{ narrator, image: encoder || decoder, file: (whole ?? decoderFile) as string, start, end },
    ...{ most: Math.max(1, Math.min(length, limit)), limit, beams: firstNumber(generation.num_beams) },
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
      `missing ${lacks}: neither generation_config.json nor config.json in ${folder.directory} has it`,
    );
  }
  const positions = [config, decoder, text].flatMap((c) => [c.n_positions, c.max_position_embeddings]);
  return { start: [start], end, places: firstNumber(...positions) ?? 512 };
}
