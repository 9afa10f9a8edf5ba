/** @file Image captioning: a picture in, a sentence and where each of its words came from out. */

import { checkOptions, expects, listing, type OptionNames, throwIfAborted, UserError } from "../../errors.ts";
import type { Geometry } from "../../image/geometry.ts";
import { picture as blankPicture, type Picture } from "../../image/picture.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import { type MethodChoice, methodsOf } from "../../methods/define.ts";
import { gradCam } from "../../methods/grad-cam.ts";
import { range } from "../../onnx/dims.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { askingNames, checkAsking, checkList, isText } from "../asking.ts";
import { unfamiliar, withMore } from "../familiarity.ts";
import type { Word } from "../formats/tokenizer.ts";
import { type ReadMap, readMap } from "../map.ts";
import { checkPicture } from "../sample.ts";
import {
  checkContrast,
  contrast,
  mapsOf,
  type Seen,
  type Sentence,
  type Span,
  total,
  Writer,
  type WriterOptions,
  type Written,
} from "./writer.ts";

export type { Sentence, Token, WriterOptions as CaptionerOptions } from "./writer.ts";

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
  /** One method or several, by name or one's own; "grad-cam" by default. */
  readonly method?: MethodChoice | readonly MethodChoice[];
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const captionOptions: OptionNames<CaptionOptions> = {
  ...askingNames,
  ...{ caption: true, instead: true, words: true, beams: true },
};

/** @throws UserError `invalid-option` */
export function checkCaption(options: CaptionOptions): void {
  checkOptions(options, captionOptions, "a captioner's explain");
  checkAsking(options);
  for (const name of ["caption", "instead"] as const)
    expects(options[name] === undefined || isText(options[name]), name, options[name], "a text");
  checkList(options.words, "words", '["red circle"]', isText);
}

/** What a map is of: the whole sentence, a word, several in a row, or one sentence rather than another. */
export type WordKind = "caption" | "word" | "words" | "contrast";

/** One map: words, by a method. */
export interface WordExplanation extends ReadMap {
  readonly kind: WordKind;
  readonly text: string;
  /** In words: "circle", "against circle", "a red circle rather than a dog". */
  readonly question: string;
  /** The tokens [from, to) of the sentence. */
  readonly tokens: Span;
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
  readonly tokens: Span;
}

/** An open captioner. */
export class Captioner {
  readonly #writer: Writer;

  constructor(ort: Runtime, options: WriterOptions) {
    this.#writer = new Writer(ort, options);
  }

  get name(): string {
    return this.#writer.options.name;
  }

  get preprocess(): Preprocess {
    return this.#writer.options.preprocess;
  }

  /**
   * Says what is in a picture and explains the words.
   * @throws UserError for words that the model does not know, a sentence that is empty or too long, an unknown method or layer.
   */
  async explain(picture: Picture, options: CaptionOptions = {}): Promise<Captioned> {
    checkCaption(options);
    checkPicture(picture);
    const methods = methodsOf(options.method);
    if (options.instead !== undefined) checkContrast(methods, "sentence");
    const writer = this.#writer;
    const seen = this.#see(picture);
    const given = options.caption === undefined ? undefined : writer.encode(options.caption, "caption", seen);
    const other = options.instead === undefined ? undefined : writer.encode(options.instead, "other caption", seen);
    const ids = given ?? (await writer.find(seen, options))[0];
    const written = await writer.tell(seen, ids);
    const instead = other && (await writer.tell(seen, other));

    const { geometry } = seen;
    const { sentence: caption } = written;
    const asked = questions(writer.options.tokenizer.words(ids), ids.length, caption.text, options.words);
    const explanations: WordExplanation[] = [];
    for (const [done, method] of methods.entries()) {
      const onProgress = (part: number) => options.onProgress?.((done + part) / methods.length);
      const how = { method, sign: options.counterfactual ? -1 : 1, signal: options.signal, onProgress } as const;
      const spans = asked.map(({ tokens }) => tokens);
      const maps = await mapsOf(written, spans, how);
      asked.forEach(({ kind, text, tokens }, i) => {
        throwIfAborted(options.signal);
        const question = options.counterfactual ? `against ${text}` : text;
        const logProbability = total(caption.tokens.slice(...tokens));
        const own = { kind, text, question, tokens, logProbability };
        explanations.push(Object.assign(readMap(maps[i], method, question, geometry), own));
      });
      onProgress(1);
    }
    if (instead) {
      explanations.push(await rather(written, instead, geometry), await rather(instead, written, geometry));
    }
    return {
      ...{ picture, geometry, caption, generated: given === undefined, instead: instead?.sentence },
      explanations: withMore(explanations, unfamiliar(picture, writer.options.familiar)),
    };
  }

  /** A sentence about a picture, without its explanation. */
  async caption(picture: Picture, search: Pick<CaptionOptions, "beams" | "signal"> = {}): Promise<Sentence> {
    const seen = this.#see(picture);
    const [ids] = await this.#writer.find(seen, search);
    return (await this.#writer.tell(seen, ids)).sentence;
  }

  /**
   * One ONNX file that tells sentences of so many words and explains each word by Grad-CAM, one picture in a run: the joined model with
   * the input `gradcam_words` (int64 [1, T], the tokens that are scored at the T places) and the outputs `gradcam_log_probability`
   * (float32 [1, T]) and `gradcam_map` (float32 [T, h, w]).
   * @param words tokens of a sentence, the end among them
   * @throws UserError for more words than the model allows.
   */
  compile(words: number, notes: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
    const seen = this.#see(blankPicture(8, 8));
    return this.#writer.compile(seen, words, { method: "grad-cam", task: "caption", ...notes });
  }

  release(): Promise<void> {
    return this.#writer.release();
  }

  /** A model that takes questions is asked for a caption. */
  #see(picture: Picture): Seen {
    return this.#writer.see(picture, this.#writer.options.asked?.(captionRequest));
  }
}

/** What a vision-language model is asked for a caption. */
export const captionRequest = "Describe the picture in one sentence.";

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

async function rather(one: Written, other: Written, geometry: Geometry): Promise<WordExplanation> {
  const { sentence, ids } = one;
  const question = `${sentence.text} rather than ${other.sentence.text}`;
  return Object.assign(readMap(await contrast(one, other), gradCam, question, geometry), {
    ...{ kind: "contrast" as const, text: sentence.text, question },
    tokens: [0, ids.length] as const,
    logProbability: sentence.logProbability - other.sentence.logProbability,
  });
}
