/** @file Reads `captioner.json`, which says how an image encoder and a decoder that reads one word at a time fit together. */
import { isRecord, UserError } from "../../errors.ts";
import type { StepNames } from "../language/step-decoder.ts";
import { inner, type Json } from "./json.ts";

export interface CaptionerJson extends StepNames {
  /** Files, relative to the folder. */
  readonly encoder: string;
  readonly decoder: string;
  readonly start: number;
  readonly end: number;
  /** Tokens at most, start and end among them. */
  readonly maxLength: number;
}

/** @throws UserError `invalid-input`, naming the key. */
export function readCaptionerJson(json: Json): CaptionerJson {
  const { encoder, decoder } = { encoder: inner(json, "encoder"), decoder: inner(json, "decoder") };
  const states = decoder.states ?? [];
  if (!Array.isArray(states)) throw invalid("decoder.states", states, "a list");
  const features = Object.entries(inner(decoder, "features"));
  return {
    encoder: text(encoder.model, "encoder.model"),
    decoder: text(decoder.model, "decoder.model"),
    image: text(encoder.image, "encoder.image"),
    word: text(decoder.word, "decoder.word"),
    logits: text(decoder.logits, "decoder.logits"),
    features: Object.fromEntries(features.map(([to, from]) => [to, text(from, `decoder.features.${to}`)])),
    states: states.map((state, i) => {
      const { input, output, start } = isRecord(state) ? state : {};
      const named = (value: unknown, name: string) => text(value, `decoder.states[${i}].${name}`);
      const given = start === undefined || start === null ? undefined : named(start, "start");
      return { input: named(input, "input"), output: named(output, "output"), start: given };
    }),
    start: whole(json.start_token_id, "start_token_id", 0),
    end: whole(json.end_token_id, "end_token_id", 0),
    maxLength: whole(json.max_length, "max_length", 3),
  };
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
