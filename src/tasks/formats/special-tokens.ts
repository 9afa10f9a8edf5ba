/** @file How a model's configurations say that sentences begin, end, and how they are searched. */
import { UserError } from "../../errors.ts";
import { firstNumber, inner, type ModelFolder } from "./folder.ts";

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
    const where = `neither generation_config.json nor config.json in ${folder.files.path("")}`;
    throw new UserError("invalid-input", `missing ${lacks}: ${where} has it`);
  }
  const positions = [config, decoder, text].flatMap((c) => [c.n_positions, c.max_position_embeddings]);
  const places = firstNumber(...positions) ?? 512;
  const most = firstNumber(generation.max_new_tokens) ?? (firstNumber(generation.max_length) ?? 21) - 1;
  return { start: [start], end, places, most, beams: firstNumber(generation.num_beams) };
}
