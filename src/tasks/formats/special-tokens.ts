/** @file How a model's configurations say that sentences begin, end, and how they are searched. */
import { UserError } from "../../errors.ts";
import { firstNumber, type ModelFolder } from "./folder.ts";
import { inner } from "./json.ts";

/** How sentences are made. */
export interface Sentencing {
  readonly start: readonly number[];
  readonly end: number;
  /** Tokens that the decoder reads at most. */
  readonly places: number;
  /** Tokens of a sentence that is made at most, the end among them. */
  readonly most: number;
  readonly beams?: number;
}

/** @throws UserError where neither `generation_config.json` nor `config.json` names the start and the end. */
export async function sentencingOf(folder: ModelFolder): Promise<Sentencing> {
  const config = await folder.json("config.json", "model configuration");
  const generation = await folder.json("generation_config.json", "generation configuration");
  const text = inner(config, "text_config");
  const decoder = inner(config, "decoder");
  const blip = config.model_type === "blip";
  // What is said of generating goes before what is said of the whole, and that before its parts.
  const all = [generation, config, decoder, text];
  const starts = [...all.map((one) => one.decoder_start_token_id), ...all.map((one) => one.bos_token_id)];
  const ends = all.map((one) => one.eos_token_id);
  const start = firstNumber(...(blip ? [text.bos_token_id, generation.bos_token_id] : starts));
  const end = firstNumber(...(blip ? [text.sep_token_id, generation.eos_token_id] : ends));
  if (start === undefined || end === undefined) {
    const lacks = start === undefined ? "decoder_start_token_id (or bos_token_id)" : "eos_token_id";
    const where = `neither generation_config.json nor config.json in ${folder.files.path("")}`;
    throw new UserError("invalid-input", `missing ${lacks}: ${where} has it`);
  }
  const positions = [config, decoder, text].flatMap((c) => [c.n_positions, c.max_position_embeddings]);
  const places = firstNumber(...positions) ?? 512;
  const most = firstNumber(generation.max_new_tokens) ?? (firstNumber(generation.max_length) ?? 21) - 1;
  return { start: [start], end, places, most, beams: firstNumber(generation.num_beams) };
}
