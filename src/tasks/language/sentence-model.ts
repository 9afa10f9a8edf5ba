/**
 * @file What a model writes about a picture: sentences are found, or taken from a person, scored, and their words explained. Captions and
 * written answers are made of it.
 */
import type { Dense } from "../../array/dense.ts";
import { present, throwIfAborted, UserError } from "../../errors.ts";
import { type EncodedPicture, SequenceExplainer } from "../../explain/sequence-explainer.ts";
import type { Geometry } from "../../image/geometry.ts";
import type { Picture } from "../../image/picture.ts";
import { preprocess } from "../../image/preprocess.ts";
import { methodsOf } from "../../methods/by-name.ts";
import { gradCam } from "../../methods/grad-cam.ts";
import type { GivenOptions, Method, Sign } from "../../methods/method.ts";
import { optionsFor, optionsOf, ownOptions } from "../../methods/options.ts";
import { partOf } from "../../methods/signed-maps.ts";
import { declaredType } from "../../onnx/proto.ts";
import type { Feeds, Runtime } from "../../onnx/runtime.ts";
import { toTensor } from "../../onnx/tensors.ts";
import { typeName } from "../../onnx/types.ts";
import type { Warning } from "../../read/decision.ts";
import type { AskingOptions } from "../asking.ts";
import { unfamiliar } from "../familiarity.ts";
import type { Sentencing } from "../formats/special-tokens.ts";
import { onPicture } from "../pictures.ts";
import { type ByMethod, type RawMap, type ReadMap, rawMap, withRemarks } from "../raw-map.ts";
import { imagePart, type SentenceDecoder } from "./decoder.ts";
import { type GenerateOptions, generate } from "./generation.ts";
import { LanguageModel, type LanguageParts } from "./language-model.ts";
import { ScoredSentence, type SentencePart } from "./sentence.ts";

export interface SentenceModelOptions extends Sentencing, LanguageParts {
  /** What scores sentences and finds their words. */
  readonly narrator: SentenceDecoder;
  /** How the model reads a question, where it takes one. */
  readonly asked?: (question: string) => EncodedQuestion;
}

/** A question as a model reads it: fed beside the picture, or in front of the answer. */
export interface EncodedQuestion {
  readonly tokens: readonly number[];
  readonly feeds?: Feeds;
  /** What the model reads before the first word of the answer, in place of the start of every sentence. */
  readonly start?: readonly number[];
}

type Search = Pick<GenerateOptions, "beams" | "count"> & Pick<AskingOptions, "signal">;

/** An open model that writes sentences about pictures. */
export abstract class SentenceModel<
  Options extends SentenceModelOptions = SentenceModelOptions,
> extends LanguageModel<Options> {
  readonly #sentences: SequenceExplainer;

  constructor(
    private readonly ort: Runtime,
    options: Options,
  ) {
    super(options);
    this.#sentences = new SequenceExplainer(ort, (places) => options.narrator.teller(places), options);
  }

  release(): Promise<void> {
    return this.#sentences.release();
  }

  /** @throws UserError `invalid-input` for a question that is too long. */
  protected prompt(picture: Picture, question?: EncodedQuestion): Prompt {
    const { narrator, preprocess: how, start: usual, places, familiar } = this.options;
    const { image } = narrator.teller(narrator.places(1));
    const { data, dims, geometry } = preprocess(picture, how);
    const info = imagePart(narrator).inputs.find(({ name }) => image.endsWith(`/${name}`));
    const type = info ? typeName(declaredType(info)) : "float32";
    const feeds = { [image]: toTensor(this.ort, { data, dims: [1, ...dims] }, type), ...question?.feeds };
    const start = question?.start ?? usual;
    if (start.length > places)
      throw new UserError("invalid-input", `invalid question: ${start.length} tokens; the model allows ${places}`);
    const warnings = unfamiliar(picture, familiar);
    return new Prompt(this.options, this.#sentences.see(feeds), geometry, start, warnings);
  }
}

/** A picture before a model, and what the model reads before the first word. */
export class Prompt {
  constructor(
    private readonly options: SentenceModelOptions,
    private readonly sight: EncodedPicture,
    readonly geometry: Geometry,
    private readonly start: readonly number[],
    /** Of the picture itself. */
    private readonly warnings: readonly Warning[],
  ) {}

  /** Tokens of a sentence at most, the end among them. */
  get #limit(): number {
    return this.options.places - this.start.length + 1;
  }

  /** The likeliest sentences that the search finds, the best first; tokens without the start. */
  generate({ beams, count = 1, signal }: Search): Promise<number[][]> {
    const { narrator, end, most, beams: usual = 1 } = this.options;
    return generate(narrator.next(this.sight), {
      ...{ start: this.start, end, count, beams: Math.max(count, beams ?? usual) },
      most: Math.max(1, Math.min(most, this.#limit)),
      signal: () => throwIfAborted(signal),
    });
  }

  async likeliest(search: Search): Promise<number[]> {
    return present((await this.generate(search))[0], "a sentence");
  }

  /** A person's sentence, with its end; @throws UserError `invalid-input` for a long one, and as the tokenizer does. */
  encode(text: string, what: string): number[] {
    const { tokenizer, end } = this.options;
    const ids = tokenizer.encode(text, what);
    if (ids.length + 1 <= this.#limit) return [...ids, end];
    const allowed = `the model allows ${this.#limit - 1}, and one for the end`;
    throw new UserError("invalid-input", `invalid ${what}: ${ids.length} tokens; ${allowed}`);
  }

  async score(ids: readonly number[]): Promise<ScoredSentence> {
    const { narrator, tokenizer, end } = this.options;
    const before = [...this.start, ...ids.slice(0, -1)];
    const places = narrator.places(before.length);
    // What fills the places behind the sentence is read by none of its words.
    const filled = [...before, ...Array<number>(Math.max(0, places - before.length)).fill(end)];
    const told = await this.sight.score(filled, ids, this.start.length - 1);
    return new ScoredSentence(told, ids, tokenizer);
  }

  /**
   * What speaks for some parts of a sentence, or against them: all of them one batch.
   * @param asked what is said of each part
   */
  async explain<P extends SentencePart, E extends { readonly question: string }>(
    { told, ids }: ScoredSentence,
    parts: readonly P[],
    asked: (part: P, index: number) => E,
    method: Method,
    { counterfactual, options, signal, onProgress }: AskingOptions,
  ): Promise<(E & ByMethod & ReadMap)[]> {
    const sign = counterfactual ? -1 : 1;
    const weights = parts.map(({ tokens: [from, to] }) => ids.map((_, t) => (t >= from && t < to ? sign : 0)));
    const explained = await told.explain(weights, { method, options: ownOptions(method, options), signal, onProgress });
    throwIfAborted(signal);
    const layer = method.space === "layer" ? told.layer : undefined;
    return parts.map((part, i) =>
      this.#laid(asked(part, i), method, rawMap({ ...explained, layer }, i), options?.sign),
    );
  }

  /**
   * One sentence rather than another, log p(one) - log p(other): Grad-CAM's sum in front of its rectifier is linear in the score, so that
   * of a difference is the difference of the sums, and the two may differ in length.
   */
  async contrast<E extends { readonly question: string }>(
    one: ScoredSentence,
    other: ScoredSentence,
    asked: E,
    options?: GivenOptions,
  ) {
    const whole = ({ told, ids }: ScoredSentence) => told.signedMaps([ids.map(() => 1)]);
    const [own, against] = [await whole(one), await whole(other)];
    const { sign } = optionsOf(gradCam, options);
    const map: Dense = {
      data: own.data.map((v, p) => partOf(v - present(against.data[p], "a cell"), sign)),
      dims: own.dims.slice(1),
    };
    return this.#laid(asked, gradCam, { map, layer: one.told.layer }, sign);
  }

  /** See `Captioner.compile`; @throws UserError `invalid-option` for more words than the model allows. */
  compile(words: number, notes: Readonly<Record<string, string>>): Promise<Uint8Array> {
    if (words > this.#limit)
      throw new UserError("invalid-option", `invalid words: ${words}; the model allows ${this.#limit}`);
    return this.sight.compiled(this.options.narrator.places(words + this.start.length - 1), notes);
  }

  #laid<E extends { readonly question: string }>(
    asked: E,
    method: Method,
    raw: RawMap,
    sign?: Sign,
  ): E & ByMethod & ReadMap {
    return onPicture(this.geometry)(withRemarks(asked, method, raw, this.warnings, sign));
  }
}

/** @throws UserError for an unknown method, `invalid-option` where one sentence rather than another is asked of a method that is not linear. */
export async function sentenceMethods(
  { method, options }: AskingOptions,
  contrasted: string | false,
): Promise<Method[]> {
  const methods = await methodsOf(method);
  optionsFor(methods, options);
  if (!contrasted || methods.every(({ name }) => name === gradCam.name)) return methods;
  const message = `invalid method: one ${contrasted} rather than another is explained by grad-cam`;
  throw new UserError("invalid-option", message);
}
