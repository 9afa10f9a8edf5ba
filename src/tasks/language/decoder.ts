/**
 * @file The graphs of what writes about pictures, whatever it is made of: for scoring a given sentence about a picture in one run, and for
 * finding the next word of a sentence that is being made.
 */
import { listing, present, UserError } from "../../errors.ts";
import type { EncodedPicture } from "../../explain/sequence-explainer.ts";
import type { SequenceModel } from "../../explain/sequence-plan.ts";
import type { Model } from "../../onnx/model.ts";
import { declaredDims, declaredType } from "../../onnx/proto.ts";
import type { Feeds } from "../../onnx/runtime.ts";
import { isFloat } from "../../onnx/types.ts";
import type { NextWord } from "./generation.ts";

export interface SentenceDecoder {
  /** The places of the graph that scores a sentence of so many words; the last may stay empty. */
  places(words: number): number;
  teller(places: number): SequenceModel;
  /** What a question about the picture is fed as, by names in the whole; of a model that takes one. */
  asked?(question: readonly number[]): Feeds;
  /** Scores of the next word for sentences about a picture. */
  next(sight: EncodedPicture): NextWord;
}

/** How parts are called in the whole, and so in the names of layers. */
export const parts = { encoder: "encoder", question: "question", decoder: "decoder", whole: "model" } as const;

/** The model that takes the picture. */
export const imagePart = (decoder: SentenceDecoder): Model =>
  present(decoder.teller(decoder.places(1)).parts[0], "the first part").model;

/** The input that takes the picture. */
export function imageOf(model: Model): string {
  const found = model.inputs.find((info) => isFloat(declaredType(info)) && declaredDims(info)?.length === 4);
  if (found) return found.name;
  const names = listing(model.inputs.map(({ name }) => name));
  throw new UserError("invalid-model", `invalid encoder: it takes ${names}; none is a picture (float, 4 dimensions)`);
}
