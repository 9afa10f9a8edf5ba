/** @file An image encoder and a decoder that reads one word at a time: unrolled over the words to tell a sentence, one step to find the next. */
import { listing, UserError } from "../../errors.ts";
import type { EncodedPicture } from "../../explain/sequence-explainer.ts";
import type { SequenceModel } from "../../explain/sequence-plan.ts";
import { type Connections, compose, type Part, within } from "../../onnx/compose.ts";
import { product } from "../../onnx/dims.ts";
import type { Model } from "../../onnx/model.ts";
import { declaredDims, declaredType, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../../onnx/runtime.ts";
import { tensorOf, toDense } from "../../onnx/tensors.ts";
import { type StepDecoder, unroll, unrolled } from "../../onnx/unroll.ts";
import { parts, type SentenceDecoder } from "./decoder.ts";
import type { NextWord } from "./generation.ts";
import { whole } from "./token-inputs.ts";

/** The tensors of a step decoder, as `captioner.json` names them. */
export interface StepNames {
  /** The encoder's input. */
  readonly image: string;
  /** The decoder's input that takes the word before, and its output with the scores of the next. */
  readonly word: string;
  readonly logits: string;
  /** Inputs of the decoder that are the same at every step, and the outputs of the encoder that they take. */
  readonly features: Readonly<Record<string, string>>;
  /** What one step hands to the next; the first is an output of the encoder (`start`), or zeros. */
  readonly states: readonly { readonly input: string; readonly output: string; readonly start?: string }[];
}

/**
 * An image encoder and a decoder that reads one word at a time.
 * @throws UserError `unknown-name`, `invalid-model` for names that are not there and for models that do not fit each other.
 */
export function stepDecoder(ort: Runtime, encoder: Model, decoder: Model, names: StepNames): SentenceDecoder {
  const step: StepDecoder = {
    model: decoder,
    token: names.word,
    logits: names.logits,
    state: names.states.map(({ input, output, start }) => ({ input, output, given: start !== undefined })),
  };
  const image: Part = { name: parts.encoder, model: encoder };
  const stepping: Part = { name: parts.decoder, model: decoder };
  const inside = (tensor: string) => within(parts.decoder, tensor);
  const starts = names.states.flatMap(({ input, start }) => (start === undefined ? [] : [[input, start] as const]));
  const connections: Connections = Object.fromEntries(
    [...Object.entries(names.features), ...starts].map(([to, from]) => [inside(to), within(parts.encoder, from)]),
  );
  const known = [names.word, ...names.states.map(({ input }) => input), ...Object.keys(names.features)];
  const left = decoder.inputs.map(({ name }) => name).filter((name) => !known.includes(name));
  const nothing = `invalid captioner.json: nothing is said of the decoder's input ${listing(left)}`;
  if (left.length) throw new UserError("invalid-input", nothing);
  const seen = encoder.inputs.map(({ name }) => name);
  const unknown = `unknown input: "${names.image}"; the encoder takes ${listing(seen)}`;
  if (!seen.includes(names.image)) throw new UserError("unknown-name", unknown);
  compose([image, stepping], connections); // what does not fit is said when the model is opened
  const word = decoder.inputs.find(({ name }) => name === names.word);

  const tellers = new Map<number, SequenceModel>();
  const teller = (places: number): SequenceModel => {
    const known = tellers.get(places);
    if (known) return known;
    const made: SequenceModel = {
      parts: [image, { name: parts.decoder, model: unroll(step, places) }],
      connections,
      image: within(parts.encoder, names.image),
      scores: inside(unrolled.logits),
      feed: (sentences) => ({ [inside(unrolled.ids)]: whole(ort, sentences, word && declaredType(word)) }),
    };
    tellers.set(places, made);
    return made;
  };
  return {
    places: (words) => words,
    teller,
    next: (sight) => stepper(ort, sight, teller(1), stepping, step, word),
  };
}

/** Each sentence goes on from the state that the sentence before its last word left. */
function stepper(
  ort: Runtime,
  sight: EncodedPicture,
  teller: SequenceModel,
  part: Part,
  step: StepDecoder,
  read: ValueInfoProto | undefined,
): NextWord {
  const inside = (tensor: string) => within(part.name, tensor);
  const link = sight.explainer.stage(part, teller);
  const zero = step.state.filter(({ given }) => !given);
  const first: Feeds = Object.fromEntries(zero.map(({ input }) => [inside(input), zeros(ort, step.model, input)]));
  let states = new Map([["", first]]);
  const outputs = [...step.state.map(({ output }) => output), step.logits].map(inside);
  const after = async (sentence: readonly number[], seen: Feeds): Promise<Float32Array> => {
    const before = sentence.slice(0, -1);
    if (!states.has(String(before))) await after(before, seen); // a start of several words is read one by one
    const token = whole(ort, [sentence.slice(-1)], read && declaredType(read));
    const word = read && declaredDims(read)?.length === 2 ? token : token.reshape([1]);
    const fed = { ...seen, ...states.get(String(before)), [inside(step.token)]: word };
    const results = await link.run(fed, outputs);
    const next = step.state.map(({ input, output }) => [inside(input), tensorOf(results, inside(output))]);
    states.set(String(sentence), Object.fromEntries(next));
    return toDense(tensorOf(results, inside(step.logits))).data;
  };
  return async (sentences) => {
    const seen = await sight.known(teller, []);
    const scores: Float32Array[] = [];
    for (const sentence of sentences) scores.push(await after(sentence, seen));
    const last = new Set(sentences.map(String));
    states = new Map([...states].filter(([key]) => key === "" || last.has(key)));
    return scores;
  };
}

/** A state before the first word. */
function zeros(ort: Runtime, model: Model, input: string): Tensor {
  const info = model.inputs.find(({ name }) => name === input);
  const dims = (info && declaredDims(info))?.map((d) => (typeof d === "number" && d > 0 ? d : 1)) ?? [];
  return new ort.Tensor("float32", new Float32Array(product(dims)), dims);
}
