/**
 * @file What a model writes about a picture: sentences are found, or taken from a person, and told so that their words can be explained.
 * Captions and written answers are made of it.
 */

import type { Dense } from "../../array/dense.ts";
import { throwIfAborted, UserError } from "../../errors.ts";
import { type EncodedPicture, type ScoredSequence, SequenceExplainer } from "../../explain/sequence-explainer.ts";
import type { Geometry } from "../../image/geometry.ts";
import type { Picture } from "../../image/picture.ts";
import { type Preprocess, preprocess } from "../../image/preprocess.ts";
import type { Method } from "../../methods/method.ts";
import { declaredType } from "../../onnx/proto.ts";
import type { Feeds, Runtime, SessionOptions } from "../../onnx/runtime.ts";
import { toTensor } from "../../onnx/tensors.ts";
import { typeName } from "../../onnx/types.ts";
import type { TokenGrid } from "../../read/layout.ts";
import { type OneMap, row } from "../answers.ts";
import type { Familiarity } from "../familiarity.ts";
import type { TextTokenizer } from "../formats/tokenizer.ts";
import { generate } from "./generation.ts";
import type { Narrator } from "./narrator.ts";

export interface WriterOptions {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  readonly narrator: Narrator;
  readonly tokenizer: TextTokenizer;
  readonly preprocess: Preprocess;
  /** What the model reads before the first word. */
  readonly start: readonly number[];
  /** The token that ends a sentence. */
  readonly end: number;
  /** Tokens of a sentence that the model makes at most, the end among them. */
  readonly most: number;
  /** Tokens that the model reads at most, the start among them; a sentence has one more than is read of it. */
  readonly places: number;
  /** How the model reads a question, where it takes one. */
  readonly asked?: (question: string) => Asked;
  /** Beams when nothing else is asked; 1 by default. */
  readonly beams?: number;
  /** What the model's pictures look like. */
  readonly familiar?: Familiarity;
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

/** A question as a model reads it: fed beside the picture, or in front of the answer. */
export interface Asked {
  readonly tokens: readonly number[];
  readonly feeds?: Feeds;
  /** What the model reads before the first word of the answer, in place of the start of every sentence. */
  readonly start?: readonly number[];
}

export interface Token {
  readonly id: number;
  readonly text: string;
  /** Natural logarithm, given the tokens before it. */
  readonly logProbability: number;
}

/** A sentence, and what the model gives it. */
export interface Sentence {
  readonly text: string;
  /** With the end, where the sentence has one. */
  readonly tokens: readonly Token[];
  /** The sum over the tokens. */
  readonly logProbability: number;
}

/** The tokens [from, to) of a sentence. */
export type Span = readonly [from: number, to: number];

/** A picture before the model, and what was asked about it. */
export interface Seen {
  readonly sight: EncodedPicture;
  readonly geometry: Geometry;
  /** What the model reads before the first word. */
  readonly start: readonly number[];
}

/** A sentence told of a picture. */
export interface Written {
  readonly told: ScoredSequence;
  readonly ids: readonly number[];
  readonly sentence: Sentence;
}

export interface Search {
  /** How many sentences the search keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
  /** How many of them are wanted; 1 by default. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

export class Writer {
  readonly #sentences: SequenceExplainer;

  constructor(
    private readonly ort: Runtime,
    readonly options: WriterOptions,
  ) {
    this.#sentences = new SequenceExplainer(ort, (places) => options.narrator.teller(places), options);
  }

  see(picture: Picture, asked?: Asked): Seen {
    const { narrator, preprocess: how, start } = this.options;
    const { parts, image } = narrator.teller(narrator.places(1));
    const { data, dims, geometry } = preprocess(picture, how);
    const info = parts[0].model.inputs.find(({ name }) => image.endsWith(`/${name}`));
    const type = info ? typeName(declaredType(info)) : "float32";
    const feeds = { [image]: toTensor(this.ort, { data, dims: [1, ...dims] }, type) };
    const seen = { sight: this.#sentences.see({ ...feeds, ...asked?.feeds }), geometry, start: asked?.start ?? start };
    if (this.#limit(seen.start) > 0) return seen;
    const { places } = this.options;
    throw new UserError("invalid-input", `invalid question: ${seen.start.length} tokens; the model allows ${places}`);
  }

  /** The likeliest sentences that the search finds, the best first; tokens without the start. */
  find({ sight, start }: Seen, { beams, count = 1, signal }: Search): Promise<number[][]> {
    const { narrator, end, most } = this.options;
    return generate(narrator.next(sight), {
      ...{ start, end, count, beams: Math.max(count, beams ?? this.options.beams ?? 1) },
      most: Math.max(1, Math.min(most, this.#limit(start))),
      signal: () => throwIfAborted(signal),
    });
  }

  /** A person's sentence, with its end. */
  encode(text: string, what: string, { start }: Pick<Seen, "start">): number[] {
    const { tokenizer, end } = this.options;
    const ids = tokenizer.encode(text, what);
    const limit = this.#limit(start);
    if (ids.length + 1 > limit)
      throw new UserError(
        "invalid-input",
        `invalid ${what}: ${ids.length} tokens; the model allows ${limit - 1}, and one for the end`,
      );
    return [...ids, end];
  }

  async tell({ sight, start }: Seen, ids: readonly number[]): Promise<Written> {
    const { narrator, tokenizer, end } = this.options;
    const before = [...start, ...ids.slice(0, -1)];
    const places = narrator.places(before.length);
    // What fills the places behind the sentence is read by none of its words.
    const filled = [...before, ...Array<number>(Math.max(0, places - before.length)).fill(end)];
    const told = await sight.score(filled, ids, start.length - 1);
    const tokens = ids.map((id, t) => ({
      id,
      text: tokenizer.tokenText(id),
      logProbability: told.logProbabilities[t],
    }));
    const text = tokenizer.decode(ids);
    return { told, ids, sentence: { text, tokens, logProbability: total(tokens) } };
  }

  /** See `Captioner.compile`. */
  compile({ sight, start }: Seen, words: number, notes: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const limit = this.#limit(start);
    if (words > limit) throw new UserError("invalid-option", `invalid words: ${words}; the model allows ${limit}`);
    return sight.compiled(this.options.narrator.places(words + start.length - 1), notes);
  }

  release(): Promise<void> {
    return this.#sentences.release();
  }

  /** Tokens of a sentence at most, the end among them. */
  #limit(start: readonly number[]): number {
    return this.options.places - start.length + 1;
  }
}

export const total = (tokens: readonly Token[]): number =>
  tokens.reduce((sum, { logProbability }) => sum + logProbability, 0);

/** The maps of some spans of a sentence's tokens, of what speaks for them or, by -1, against them: all of them one batch. */
export async function mapsOf(
  { told, ids }: Written,
  spans: readonly Span[],
  how: {
    readonly method: Method;
    readonly sign: 1 | -1;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number) => void;
  },
): Promise<OneMap[]> {
  const weights = spans.map(([from, to]) => ids.map((_, t) => (t >= from && t < to ? how.sign : 0)));
  const { maps, pixels } = await told.explain(weights, how);
  const layer = how.method.space === "layer" ? told.layer : undefined;
  return spans.map((_, i) => ({ map: row(maps, i), pixels: pixels && row(pixels, i), layer }));
}

/**
 * log p(one) - log p(other): Grad-CAM's sum in front of its rectifier is linear in the score, so that of a difference is the difference of
 * the sums, and the two may differ in length.
 */
export async function contrast(one: Written, other: Written): Promise<OneMap> {
  const whole = ({ told, ids }: Written) => told.signedMaps([ids.map(() => 1)]);
  const [own, against] = [await whole(one), await whole(other)];
  const map: Dense = { data: own.data.map((v, p) => Math.max(0, v - against.data[p])), dims: own.dims.slice(1) };
  return { map, layer: one.told.layer };
}

/** @throws UserError `invalid-option` where one sentence rather than another is to be explained by a method that is not linear. */
export function checkContrast(methods: readonly Method[], what: string): void {
  if (methods.some(({ name }) => name !== "grad-cam"))
    throw new UserError("invalid-option", `invalid method: one ${what} rather than another is explained by grad-cam`);
}
