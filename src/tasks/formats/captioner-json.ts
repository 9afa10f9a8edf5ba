/** @file Reads `captioner.json`, which says how an image encoder and a decoder that reads one word at a time fit together. */
import { isRecord, UserError } from "../../errors.ts";
import type { StepNames } from "../language/step-decoder.ts";

export interface CaptionerJson {
  /** Files, relative to the folder. */
  readonly encoder: string;
  readonly decoder: string;
  readonly names: StepNames;
  readonly start: number;
  readonly end: number;
  /** Tokens at most, start and end among them. */
  readonly maxLength: number;
}

/** @throws UserError `invalid-input`, naming the key. */
export function readCaptionerJson(json: unknown): CaptionerJson {
  const content = object(json, "content");
  const [encoder, decoder] = [object(content.encoder, "encoder"), object(content.decoder, "decoder")];
  const features = Object.entries(object(decoder.features ?? {}, "decoder.features"));
  const states = decoder.states ?? [];
  if (!Array.isArray(states)) throw invalid("decoder.states", states, "a list");
  return {
    encoder: text(encoder.model, "encoder.model"),
    decoder: text(decoder.model, "decoder.model"),
    names: {
      image: text(encoder.image, "encoder.image"),
      word: text(decoder.word, "decoder.word"),
      logits: text(decoder.logits, "decoder.logits"),
      features: Object.fromEntries(features.map(([to, from]) => [to, text(from, `decoder.features.${to}`)])),
      states: states.map((state, i) => {
        const { input, output, start } = object(state, `decoder.states[${i}]`);
        const key = (name: string) => `decoder.states[${i}].${name}`;
        return {
          input: text(input, key("input")),
          output: text(output, key("output")),
          start: start === undefined || start === null ? undefined : text(start, key("start")),
        };
      }),
    },
    start: whole(content.start_token_id, "start_token_id", 0),
    end: whole(content.end_token_id, "end_token_id", 0),
    maxLength: whole(content.max_length, "max_length", 3),
  };
}

function object(value: unknown, key: string): Readonly<Record<string, unknown>> {
  if (isRecord(value) && !Array.isArray(value)) return value;
  throw invalid(key, value, "an object");
}

function text(value: unknown, key: string): string {
  if (typeof value === "string" && value) return value;
  throw invalid(key, value, "a name");
}

function whole(value: unknown, key: string, least: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least) return value;
  throw invalid(key, value, `an integer of at least ${least}`);
}

const invalid = (key: string, seen: unknown, allowed: string): UserError =>
  new UserError(
    "invalid-input",
    `invalid captioner.json: ${key} is ${JSON.stringify(seen) ?? "missing"}, expected ${allowed}`,
  );
