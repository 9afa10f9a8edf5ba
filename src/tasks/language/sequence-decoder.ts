/**
 * @file A decoder that reads whole sentences, behind an image encoder or with one inside; between the two there may be what reads a
 * question about the picture.
 */
import { ofRank } from "../../array/dense.ts";
import { present } from "../../errors.ts";
import type { EncodedPicture } from "../../explain/sequence-explainer.ts";
import type { SequenceModel } from "../../explain/sequence-plan.ts";
import { type Connections, compose, type Part, within } from "../../onnx/compose.ts";
import { range } from "../../onnx/dims.ts";
import { filled } from "../../onnx/filled.ts";
import type { Model } from "../../onnx/model.ts";
import { DataType, declaredDims, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../../onnx/runtime.ts";
import { rowsOf, tensorOf, toDense } from "../../onnx/tensors.ts";
import { imageOf, parts, type SentenceDecoder } from "./decoder.ts";
import type { NextWord } from "./generation.ts";
import { picture, placesFor, type TextInputs, textInputs, tokenInput, whole } from "./token-inputs.ts";

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
  const asking = question && textInputs(question.model, "question encoder", ["token_type_ids"]);
  const own: Part = { name: encoder ? parts.decoder : parts.whole, model: decoder };
  const seeing = encoder ? [{ name: parts.encoder, model: encoder }] : [];
  const all: Part[] = [
    ...seeing,
    ...(question ? [{ name: parts.question, model: seeingAll(question.model) }] : []),
    own,
  ];
  const [first = own] = all;
  const image = imageOf(first.model);
  const { fed, length } = textInputs(decoder, "decoder", [image]);
  const connections = connected(all);
  if (all.length > 1) compose(all, connections);

  const inside = (tensor: string) => within(own.name, tensor);
  const [states, mask] = [connections[inside(picture.states)], inside(picture.mask)];
  const masked = has(decoder, picture.mask) && !(mask in connections);
  const teller: SequenceModel = {
    parts: all,
    connections,
    image: within(first.name, image),
    scores: inside(present(decoder.outputs.find((name) => name === "logits") ?? decoder.outputs[0], "an output")),
    feed: (sentences, seen) => {
      const places = sentences[0]?.length ?? 0;
      const feeds = fed.map((info) => [inside(info.name), tokenInput(ort, info, sentences, places)]);
      const ones = sentences.map(() => Array<number>(seen[states ?? ""]?.dims[1] ?? 1).fill(1));
      return { ...Object.fromEntries(feeds), ...(masked && { [mask]: whole(ort, ones) }) };
    },
  };
  /** As long as it is: not every decoder minds the mask of a question that is filled up. */
  const askedAs = (ids: readonly number[], { fed, length }: TextInputs, { most, padding }: QuestionReader): Feeds => {
    const places = placesFor(ids.length, length, most);
    const fedAs = (info: ValueInfoProto) => tokenInput(ort, info, [ids], places, padding);
    return Object.fromEntries(fed.map((info) => [within(parts.question, info.name), fedAs(info)]));
  };
  return {
    places: (words) => length ?? Math.min(most, Math.ceil(words / placesInSteps) * placesInSteps),
    teller: () => teller,
    asked: question && asking && ((ids) => askedAs(ids, asking, question)),
    next: (sight) => nextWord(ort, sight, own, teller, length),
  };
}

/** Each part's hidden states are what the part before it gives; the words of a question that are none are masked for who reads them. */
function connected(all: readonly Part[]): Connections {
  const connections: Record<string, string> = {};
  for (const [i, { name, model }] of all.entries()) {
    const before = all[i - 1];
    const gives = before?.model.graph.output.find(({ type }) => type !== undefined)?.name;
    if (!before || gives === undefined) continue;
    connections[within(name, picture.states)] = within(before.name, gives);
    const masked = before.name === parts.question && has(before.model, "attention_mask") && has(model, picture.mask);
    if (masked) connections[within(name, picture.mask)] = within(before.name, "attention_mask");
  }
  return connections;
}

const has = (model: Model, input: string): boolean => model.inputs.some(({ name }) => name === input);

/** A question's model without the mask of the picture, all of which is read. */
function seeingAll(model: Model): Model {
  if (!has(model, picture.mask)) return model;
  return filled(model, {
    [picture.mask]: (build, inputOf) => {
      const states = inputOf(picture.states);
      const shape = build.concat([build.dimOf(states, 0), build.dimOf(states, 1)], 0);
      return build.add(build.zeros(shape, DataType.INT64), 1);
    },
  });
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
  const free = typeof declaredDims(present(own.model.inputs[0], "an input"))?.[0] === "string";
  return async (sentences) => {
    const seen = await sight.known(teller, []);
    const link = sight.explainer.stage(own, teller);
    const known = sources.flatMap((name) => (seen[name] ? [[name, seen[name]] as const] : []));
    const places = length ?? 0;
    const filledUp = sentences.map((s) => [...s, ...Array<number>(Math.max(0, places - s.length)).fill(s[0] ?? 0)]);
    const found: Float32Array[] = [];
    for (const some of free ? [filledUp] : filledUp.map((sentence) => [sentence])) {
      const each = Array<number>(some.length).fill(0);
      const repeated = (tensor: Tensor) => (some.length > 1 ? rowsOf(ort, tensor, each) : tensor);
      const shown = Object.fromEntries(known.map(([name, tensor]) => [name, repeated(tensor)]));
      const result = await link.run({ ...shown, ...teller.feed(some, shown) }, [teller.scores]);
      const { data, dims } = toDense(tensorOf(result, teller.scores));
      const [n, rows, vocabulary] = ofRank(dims, 3);
      // Of more rows than places, the last are the words'; behind the sentence there may be what fills it up.
      for (const i of range(n)) {
        const { length: filled } = present(some[i], "a sentence");
        const last = rows - filled + present(sentences[0], "a sentence").length - 1;
        const from = (i * rows + last) * vocabulary;
        found.push(data.slice(from, from + vocabulary));
      }
    }
    return found;
  };
}
