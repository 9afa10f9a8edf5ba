/**
 * @file A decoder that reads whole sentences, behind an image encoder or with one inside; between the two there may be what reads a
 * question about the picture.
 */
import { listing, UserError } from "../../errors.ts";
import type { EncodedPicture } from "../../explain/sequence-explainer.ts";
import type { SequenceModel } from "../../explain/sequence-plan.ts";
import { type Connections, compose, type Part, within } from "../../onnx/compose.ts";
import { filled } from "../../onnx/filled.ts";
import type { Model } from "../../onnx/model.ts";
import { DataType, declaredDims, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../../onnx/runtime.ts";
import { rowsOf, toDense } from "../../onnx/tensors.ts";
import { imageOf, parts, type SentenceDecoder, whole } from "./decoder.ts";
import type { NextWord } from "./generation.ts";
import { contentOf, fixedLength, placesFor, tokenInput } from "./token-inputs.ts";

/** Places of sentences come in steps of so many, so that few graphs are made for sentences of many lengths. */
const placesInSteps = 8;

/** What reads a question about a picture: `input_ids`, their mask, and `encoder_hidden_states`, what the image encoder made of the picture. */
export interface QuestionReader {
  readonly model: Model;
  /** Tokens that it reads at most. */
  readonly most: number;
  /** The token that fills a question up, where the model takes questions of one length. */
  readonly padding: number;
}

/**
 * A decoder of `input_ids`, `encoder_hidden_states` and their masks.
 * @param most places that the decoder has
 * @throws UserError `invalid-model` for other inputs, and for models that do not fit each other.
 */
export function sequenceDecoder(
  ort: Runtime,
  encoder: Model | undefined,
  decoder: Model,
  most: number,
  question?: QuestionReader,
): SentenceDecoder {
  const asking = question && { name: parts.question, model: readingOnly(question.model) };
  const own: Part = { name: encoder ? parts.decoder : parts.whole, model: decoder };
  const all: Part[] = [...(encoder ? [{ name: parts.encoder, model: encoder }] : []), ...(asking ? [asking] : []), own];
  const image = imageOf(encoder ?? decoder);
  const reading = readingOf(decoder, "decoder");
  checkInputs(decoder, "decoder", image);
  const scores = decoder.outputs.find((name) => name === "logits") ?? decoder.outputs[0];
  const connections = connected(all);
  if (all.length > 1) compose(all, connections);

  const inside = (tensor: string) => within(own.name, tensor);
  const fed = fedOf(decoder, reading).filter(({ name }) => !(inside(name) in connections));
  const length = fixedLength(decoder.inputs.find(({ name }) => name === reading));
  const states = connections[inside(hiddenStates)];
  const teller: SequenceModel = {
    parts: all,
    connections,
    image: within(all[0].name, image),
    scores: inside(scores),
    feed: (sentences, seen) => {
      const shape = { places: sentences[0].length, padding: 0 };
      const masks = sentences.map(() => Array<number>(seen[states]?.dims[1] ?? 1).fill(1));
      const feed = (info: ValueInfoProto) =>
        info.name === statesMask ? whole(ort, masks) : tokenInput(ort, info, sentences, shape);
      return Object.fromEntries(fed.map((info) => [inside(info.name), feed(info)]));
    },
  };
  return {
    places: (words) => length ?? Math.min(most, Math.ceil(words / placesInSteps) * placesInSteps),
    teller: () => teller,
    asked: question && asking && ((ids) => askedAs(ort, asking, ids, question)),
    next: (sight) => nextWord(ort, sight, own, teller, length),
  };
}

const hiddenStates = "encoder_hidden_states";
const statesMask = "encoder_attention_mask";

/** Each part's hidden states are what the part before it gives; the words of a question that are none are masked for who reads them. */
function connected(all: readonly Part[]): Connections {
  const connections: Record<string, string> = {};
  for (const [i, { name, model }] of all.entries()) {
    const before = all[i - 1];
    const gives = before?.model.graph.output.find(({ type }) => type !== undefined)?.name;
    if (gives === undefined) continue;
    connections[within(name, hiddenStates)] = within(before.name, gives);
    const masked = before.name === parts.question && has(before.model, "attention_mask") && has(model, statesMask);
    if (masked) connections[within(name, statesMask)] = within(before.name, "attention_mask");
  }
  return connections;
}

const has = (model: Model, input: string): boolean => model.inputs.some(({ name }) => name === input);

/** A question's model without the mask of the picture, all of which is read. */
function readingOnly(model: Model): Model {
  readingOf(model, "question encoder");
  checkInputs(model, "question encoder", hiddenStates, "token_type_ids");
  if (!has(model, statesMask)) return model;
  return filled(model, {
    [statesMask]: (build, inputOf) => {
      const states = inputOf(hiddenStates);
      const shape = build.concat([build.dimOf(states, 0), build.dimOf(states, 1)], 0);
      return build.add(build.zeros(shape, DataType.INT64), 1);
    },
  });
}

/** A question of tokens as long as it is: not every decoder minds the mask of a question that is filled up. */
function askedAs(
  ort: Runtime,
  { name: part, model }: Part,
  ids: readonly number[],
  { most, padding }: QuestionReader,
): Feeds {
  const reading = readingOf(model, "question encoder");
  const fixed = fixedLength(model.inputs.find(({ name }) => name === reading));
  const filled = { places: placesFor(ids.length, fixed, most), padding };
  return Object.fromEntries(
    fedOf(model, reading).map((info) => [within(part, info.name), tokenInput(ort, info, [ids], filled)]),
  );
}

function nextWord(
  ort: Runtime,
  sight: EncodedPicture,
  own: Part,
  teller: SequenceModel,
  length: number | undefined,
): NextWord {
  const read = own.model.inputs.map(({ name }) => within(own.name, name));
  const sources = read.map((name) => teller.connections[name] ?? name);
  // One sentence at a time where the batch is fixed.
  const free = typeof declaredDims(own.model.inputs[0])?.[0] === "string";
  return async (sentences) => {
    const seen = await sight.known(teller, []);
    const link = sight.explainer.stage(own, teller);
    const filledUp = sentences.map((s) =>
      length ? [...s, ...Array<number>(Math.max(0, length - s.length)).fill(s[0])] : s,
    );
    const found: Float32Array[] = [];
    for (const some of free ? [filledUp] : filledUp.map((sentence) => [sentence])) {
      const known = sources.filter((name) => seen[name]);
      const each = Array<number>(some.length).fill(0);
      const repeated = (tensor: Tensor) => (some.length > 1 ? rowsOf(ort, tensor, each) : tensor);
      const picture = Object.fromEntries(known.map((name) => [name, repeated(seen[name])]));
      const result = await link.run({ ...picture, ...teller.feed(some, picture) }, [teller.scores]);
      const { data, dims } = toDense(result[teller.scores]);
      const [, places, vocabulary] = dims;
      const last = places - some[0].length + sentences[0].length - 1;
      some.forEach((_, i) => {
        const from = (i * places + last) * vocabulary;
        found.push(data.slice(from, from + vocabulary));
      });
    }
    return found;
  };
}

/** The input that takes tokens; @throws UserError `invalid-model` where there is none. */
function readingOf(model: Model, what: string): string {
  const names = model.inputs.map(({ name }) => name);
  const found = names.find((name) => name === "input_ids" || name === "decoder_input_ids");
  if (found) return found;
  throw new UserError("invalid-model", `invalid ${what}: it takes ${listing(names)}; expected input_ids among them`);
}

/** The inputs that a text is fed to: its tokens to one alone, and what is said of them. */
const fedOf = ({ inputs }: Model, reading: string): readonly ValueInfoProto[] =>
  inputs.filter(({ name }) => name === reading || contentOf(name) !== "words");

/** @throws UserError `invalid-model` for inputs that nobody feeds. */
function checkInputs(model: Model, what: string, ...more: readonly string[]): void {
  const known = new Set([
    ...["input_ids", "decoder_input_ids", "attention_mask", "decoder_attention_mask", "position_ids"],
    ...[hiddenStates, statesMask, ...more],
  ]);
  const others = model.inputs.map(({ name }) => name).filter((name) => !known.has(name));
  if (others.length)
    throw new UserError("invalid-model", `invalid ${what}: it takes ${listing(others)} too; export it without a cache`);
}
