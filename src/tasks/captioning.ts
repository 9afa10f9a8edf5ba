/** @file Image captioning: a picture in, a sentence and where each of its words came from out. */
import { listing, UserError } from "../errors.ts";
import type { TokenGrid } from "../explain/layout.ts";
import { Sentences, type Sight, type Told } from "../explain/sentences.ts";
import { toTensor } from "../explain/tensors.ts";
import type { Geometry } from "../image/geometry.ts";
import { picture as blankPicture, type Picture } from "../image/picture.ts";
import { type Preprocess, preprocess } from "../image/preprocess.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense } from "../methods/method.ts";
import { range } from "../onnx/dims.ts";
import { declaredType } from "../onnx/proto.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";
import { typeName } from "../onnx/types.ts";
import { row } from "./answers.ts";
import { generate } from "./generation.ts";
import { type ReadMap, readMap } from "./map.ts";
import type { Narrator } from "./narrator.ts";
import type { TextTokenizer, Word } from "./tokenizer.ts";

export interface CaptionerOptions {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  readonly narrator: Narrator;
  readonly tokenizer: TextTokenizer;
  readonly preprocess: Preprocess;
  /** What the model reads before the first word. */
  readonly start: readonly number[];
  /** The token that ends a sentence. */
  readonly end: number;
  /** Tokens of a sentence that the model makes, and of one that it is given, at most; the end among them. */
  readonly most: number;
  readonly limit: number;
  /** Beams when nothing else is asked; 1 by default. */
  readonly beams?: number;
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

export interface CaptionOptions {
  /** The sentence to explain; the model's own by default. */
  readonly caption?: string;
  /** Another sentence: explains the caption rather than it, and it rather than the caption. By Grad-CAM only. */
  readonly instead?: string;
  /** Words to explain, or several in a row; every word by default. */
  readonly words?: readonly string[];
  /** How many sentences the search keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
  /** Explain what speaks against the words. */
  readonly counterfactual?: boolean;
  /** One method or several; "grad-cam" by default. */
  readonly method?: string | readonly string[];
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
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

/** What a map is of: the whole sentence, a word, several in a row, or one sentence rather than another. */
export type WordKind = "caption" | "word" | "words" | "contrast";

/** One map: words, by a method. */
export interface WordExplanation extends ReadMap {
  readonly kind: WordKind;
  readonly text: string;
  /** In words: "circle", "against circle", "a red circle rather than a dog". */
  readonly question: string;
  readonly method: string;
  /** The tokens [from, to) of the sentence. */
  readonly tokens: readonly [from: number, to: number];
  /** Their sum; of a contrast, the difference. */
  readonly logProbability: number;
}

/** What a model says of a picture, and why. */
export interface Captioned {
  readonly picture: Picture;
  readonly geometry: Geometry;
  readonly caption: Sentence;
  /** Whether the model made the sentence, or was given it. */
  readonly generated: boolean;
  readonly instead?: Sentence;
  readonly explanations: readonly WordExplanation[];
}

/** A question about words: weights on the tokens. */
interface Asked {
  readonly kind: WordKind;
  readonly text: string;
  readonly tokens: readonly [number, number];
}

/** An open captioner. */
export class Captioner {
  readonly #sentences: Sentences;

  constructor(
    private readonly ort: Runtime,
    private readonly options: CaptionerOptions,
  ) {
    this.#sentences = new Sentences(ort, (places) => options.narrator.teller(places), options);
  }

  get name(): string {
    return this.options.name;
  }

  get preprocess(): Preprocess {
    return this.options.preprocess;
  }

  /**
   * Says what is in a picture and explains the words.
   * @throws UserError for words that the model does not know, a sentence that is empty or too long, an unknown method or layer.
   */
  async explain(picture: Picture, options: CaptionOptions = {}): Promise<Captioned> {
    const methods = [options.method ?? "grad-cam"].flat().map(methodNamed);
    const { signal } = options;
    if (options.instead !== undefined && methods.some(({ name }) => name !== "grad-cam"))
      throw new UserError(
        "invalid-option",
        "invalid method: one sentence rather than another is explained by grad-cam",
      );
    const given = options.caption === undefined ? undefined : this.#encode(options.caption, "caption");
    const other = options.instead === undefined ? undefined : this.#encode(options.instead, "other caption");
    const { sight, geometry } = this.#see(picture);
    const ids = given ?? (await this.#generate(sight, options));
    const { told, sentence: caption } = await this.#tell(sight, ids);
    const alternative = other && (await this.#tell(sight, other));

    const { tokenizer } = this.options;
    const asked = questions(tokenizer.words(ids), ids.length, caption.text, options.words);
    const explanations: WordExplanation[] = [];
    const sign = options.counterfactual ? -1 : 1;
    for (const [done, { name }] of methods.entries()) {
      const onProgress = (part: number) => options.onProgress?.((done + part) / methods.length);
      const weights = asked.map(({ tokens: [from, to] }) => ids.map((_, t) => (t >= from && t < to ? sign : 0)));
      const { maps, pixels } = await told.explain(weights, { method: name, signal, onProgress });
      asked.forEach(({ kind, text, tokens }, i) => {
        const question = options.counterfactual ? `against ${text}` : text;
        const logProbability = sum(caption.tokens.slice(...tokens).map((token) => token.logProbability));
        const layer = methodNamed(name).space === "layer" ? told.layer : undefined;
        const one = { map: row(maps, i), pixels: pixels && row(pixels, i), layer };
        explanations.push(
          Object.assign(readMap(one, question, geometry), {
            kind,
            text,
            question,
            method: name,
            tokens,
            logProbability,
          }),
        );
      });
      onProgress(1);
    }
    if (alternative) explanations.push(...(await contrasts({ told, sentence: caption }, alternative, geometry)));
    return { picture, geometry, caption, generated: given === undefined, instead: alternative?.sentence, explanations };
  }

  /** A sentence about a picture, without its explanation. */
  async caption(picture: Picture, { beams, signal }: Pick<CaptionOptions, "beams" | "signal"> = {}): Promise<Sentence> {
    const { sight } = this.#see(picture);
    const ids = await this.#generate(sight, { beams, signal });
    return (await this.#tell(sight, ids)).sentence;
  }

  /**
   * One ONNX file that tells sentences of so many words and explains each word by Grad-CAM, one picture in a run: the joined model with
   * the input `gradcam_words` (int64 [1, T], the tokens that are scored at the T places) and the outputs `gradcam_log_probability`
   * (float32 [1, T]) and `gradcam_map` (float32 [T, h, w]).
   * @param words tokens of a sentence, the end among them
   * @throws UserError for more words than the model allows.
   */
  async compile(words: number, notes: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
    const { narrator, start, limit } = this.options;
    if (words > limit) throw new UserError("invalid-option", `invalid words: ${words}; the model allows ${limit}`);
    const { sight } = this.#see(blankPicture(8, 8));
    return sight.compiled(narrator.places(words + start.length - 1), { method: "grad-cam", task: "caption", ...notes });
  }

  release(): Promise<void> {
    return this.#sentences.release();
  }

  #see(picture: Picture): { sight: Sight; geometry: Geometry } {
    const { narrator, preprocess: how } = this.options;
    const { parts, image } = narrator.teller(narrator.places(1));
    const { data, dims, geometry } = preprocess(picture, how);
    const info = parts[0].model.inputs.find(({ name }) => image.endsWith(`/${name}`));
    const type = info ? typeName(declaredType(info)) : "float32";
    return {
      sight: this.#sentences.see({ [image]: toTensor(this.ort, { data, dims: [1, ...dims] }, type) }),
      geometry,
    };
  }

  #generate(sight: Sight, { beams, signal }: Pick<CaptionOptions, "beams" | "signal">): Promise<number[]> {
    const { narrator, start, end, most } = this.options;
    const width = beams ?? this.options.beams ?? 1;
    return generate(narrator.next(sight), {
      ...{ start, end, most, beams: width },
      signal: () => {
        if (signal?.aborted) throw new UserError("cancelled", "cancelled");
      },
    });
  }

  /** A person's sentence, with its end. */
  #encode(text: string, what: string): number[] {
    const { tokenizer, limit, end } = this.options;
    const ids = tokenizer.encode(text, what);
    if (ids.length + 1 > limit)
      throw new UserError(
        "invalid-input",
        `invalid ${what}: ${ids.length} tokens; the model allows ${limit - 1}, and one for the end`,
      );
    return [...ids, end];
  }

  async #tell(sight: Sight, ids: readonly number[]): Promise<{ told: Told; sentence: Sentence }> {
    const { narrator, tokenizer, start, end } = this.options;
    const before = [...start, ...ids.slice(0, -1)];
    const places = narrator.places(before.length);
    // What fills the places behind the sentence is read by none of its words.
    const filled = [...before, ...Array<number>(Math.max(0, places - before.length)).fill(end)];
    const told = await sight.tell(filled, ids, start.length - 1);
    const tokens = ids.map((id, t) => ({
      id,
      text: tokenizer.tokenText(id),
      logProbability: told.logProbabilities[t],
    }));
    const text = tokenizer.decode(ids);
    return { told, sentence: { text, tokens, logProbability: sum(tokens.map((token) => token.logProbability)) } };
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The whole sentence and its words, or those that are asked for. */
function questions(
  words: readonly Word[],
  tokens: number,
  text: string,
  asked: readonly string[] | undefined,
): Asked[] {
  if (asked) return asked.flatMap((query) => find(words, query));
  const each = words.map(({ text, from, to }): Asked => ({ kind: "word", text, tokens: [from, to] }));
  return [{ kind: "caption", text: text || "(nothing)", tokens: [0, tokens] }, ...each];
}

/** The places where a sentence has these words in a row; upper and lower case are alike. */
function find(words: readonly Word[], query: string): Asked[] {
  const wanted = query.trim().toLowerCase().split(/\s+/);
  const starts = range(words.length).filter((i) => wanted.every((w, k) => words[i + k]?.text.toLowerCase() === w));
  if (starts.length === 0)
    throw new UserError(
      "unknown-name",
      `unknown word: "${query}"; the caption is made of ${listing(
        words.map((word) => word.text),
        40,
      )}`,
    );
  return starts.map((i) => {
    const [first, last] = [words[i], words[i + wanted.length - 1]];
    const text = words
      .slice(i, i + wanted.length)
      .map((word) => word.text)
      .join(" ");
    return { kind: wanted.length > 1 ? "words" : "word", text, tokens: [first.from, last.to] };
  });
}

interface Telling {
  readonly told: Told;
  readonly sentence: Sentence;
}

/** log p(one) - log p(other), both ways: Grad-CAM's sum is linear in the score, so that of a difference is the difference of the sums. */
async function contrasts(one: Telling, other: Telling, geometry: Geometry): Promise<WordExplanation[]> {
  const whole = ({ told, sentence }: Telling) => told.signedMaps([sentence.tokens.map(() => 1)]);
  const [a, b] = [await whole(one), await whole(other)];
  return [[one, other, a, b] as const, [other, one, b, a] as const].map(
    ([{ told, sentence }, { sentence: rather }, own, against]) => {
      const map: Dense = { data: own.data.map((v, p) => Math.max(0, v - against.data[p])), dims: own.dims.slice(1) };
      const question = `${sentence.text} rather than ${rather.text}`;
      return Object.assign(readMap({ map, layer: told.layer }, question, geometry), {
        ...{ kind: "contrast" as const, text: sentence.text, question, method: "grad-cam" },
        tokens: [0, sentence.tokens.length] as const,
        logProbability: sentence.logProbability - rather.logProbability,
      });
    },
  );
}
