/** @file An image encoder and a decoder that reads one word at a time: unrolled over the words to tell a sentence, one step to find the next. */
import { listing, UserError } from "../../errors.ts";
import type { EncodedPicture } from "../../explain/sequence-explainer.ts";
import type { SequenceModel } from "../../explain/sequence-plan.ts";
import { type Connections, compose, type Part, within } from "../../onnx/compose.ts";
import { product, range } from "../../onnx/dims.ts";
import type { Model } from "../../onnx/model.ts";
import { declaredDims, declaredType } from "../../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../../onnx/runtime.ts";
import { toDense } from "../../onnx/tensors.ts";
import { typeName } from "../../onnx/types.ts";
import { type StepDecoder, unroll, unrolled } from "../../onnx/unroll.ts";
import { parts, type SentenceDecoder, whole } from "./decoder.ts";
import type { NextWord } from "./generation.ts";

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
  const connections: Connections = Object.fromEntries(
    [
      ...Object.entries(names.features),
      ...names.states.flatMap(({ input, start }) => (start === undefined ? [] : [[input, start]])),
    ].map(([to, from]) => [inside(to), within(parts.encoder, from)]),
  );
  const own = new Set([names.word, ...names.states.map(({ input }) => input), ...Object.keys(names.features)]);
  const left = decoder.inputs.map(({ name }) => name).filter((name) => !own.has(name));
  if (left.length)
    throw new UserError(
      "invalid-input",
      `invalid captioner.json: nothing is said of the decoder's input ${listing(left)}`,
    );
  checkImage(encoder, names.image);
  compose([image, stepping], connections); // what does not fit is said when the model is opened
  const type = typeName(declaredType(decoder.inputs.find(({ name }) => name === names.word) as never));

  const tellers = new Map<number, SequenceModel>();
  const teller = (places: number): SequenceModel => {
    const known = tellers.get(places);
    if (known) return known;
    const made: SequenceModel = {
      parts: [image, { name: parts.decoder, model: unroll(step, places) }],
      connections,
      image: within(parts.encoder, names.image),
      scores: inside(unrolled.logits),
      feed: (sentences) => ({ [inside(unrolled.ids)]: whole(ort, sentences, type) }),
    };
    tellers.set(places, made);
    return made;
  };
  return {
    places: (words) => words,
    teller,
    next: (sight) => stepper(ort, sight, teller(1), stepping, step, type),
  };
}

/** Each sentence goes on from the state that the sentence before its last word left. */
function stepper(
  ort: Runtime,
  sight: EncodedPicture,
  teller: SequenceModel,
  part: Part,
  step: StepDecoder,
  type: string,
): NextWord {
  const inside = (tensor: string) => within(part.name, tensor);
  const link = sight.explainer.stage(part, teller);
  const tokenRank = declaredDims(step.model.inputs.find(({ name }) => name === step.token) as never)?.length ?? 1;
  /** States by sentence, and the axis along which the sentences lie. */
  let states = new Map<string, Feeds>();
  const outputs = step.state.map(({ output }) => inside(output));
  const after = async (sentence: readonly number[], seen: Feeds): Promise<Float32Array> => {
    const before = states.get(String(sentence.slice(0, -1)));
    const carried = step.state.map(({ input, given }): [string, Tensor][] => {
      if (before) return [[inside(input), before[inside(input)]]];
      return given ? [] : [[inside(input), zeros(ort, step.model, input)]];
    });
    const token = whole(ort, [sentence.slice(-1)], type);
    const word = tokenRank === 1 ? token.reshape([1]) : token;
    const results = await link.run({ ...seen, ...Object.fromEntries(carried.flat()), [inside(step.token)]: word }, [
      ...outputs,
      inside(step.logits),
    ]);
    const next = Object.fromEntries(step.state.map(({ input, output }) => [inside(input), results[inside(output)]]));
    states.set(String(sentence), next);
    return toDense(results[inside(step.logits)]).data;
  };
  return async (sentences) => {
    const seen = await sight.known(teller, []);
    // A start of several words is read one by one.
    for (const length of range(sentences[0].length - 1).map((i) => i + 1))
      for (const sentence of sentences)
        if (!states.has(String(sentence.slice(0, length)))) await after(sentence.slice(0, length), seen);
    const scores: Float32Array[] = [];
    for (const sentence of sentences) scores.push(await after(sentence, seen));
    states = new Map([...states].filter(([key]) => sentences.some((sentence) => String(sentence) === key)));
    return scores;
  };
}

/** A state before the first word. */
function zeros(ort: Runtime, model: Model, input: string): Tensor {
  const info = model.inputs.find(({ name }) => name === input);
  const dims = (info && declaredDims(info))?.map((d) => (typeof d === "number" && d > 0 ? d : 1)) ?? [];
  return new ort.Tensor("float32", new Float32Array(product(dims)), dims);
}

function checkImage(encoder: Model, name: string): void {
  if (encoder.inputs.some((input) => input.name === name)) return;
  const names = listing(encoder.inputs.map((input) => input.name));
  throw new UserError("unknown-name", `unknown input: "${name}"; the encoder takes ${names}`);
}
