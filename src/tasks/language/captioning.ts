/** @file Image captioning: a picture in, a sentence and where each of its words came from out. */

import { checkOptions, expects, listing, type OptionNames, UserError } from "../../errors.ts";
import type { Geometry } from "../../image/geometry.ts";
import { picture as blankPicture, type Picture } from "../../image/picture.ts";
import type { MethodChoice } from "../../methods/define.ts";
import { range } from "../../onnx/dims.ts";
import { askingNames, checkAsking, checkList, inSteps, isText } from "../asking.ts";
import type { Word } from "../formats/tokenizer.ts";
import { type ByMethod, inWords, type ReadMap } from "../raw-map.ts";
import { checkPicture } from "../sample.ts";
import { type Sentence, type Span, total } from "./sentence.ts";
import { type Prompt, SentenceModel, sentenceMethods } from "./sentence-model.ts";

export type { Sentence, Token } from "./sentence.ts";
export type { SentenceModelOptions as CaptionerOptions } from "./sentence-model.ts";

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
export interface WordExplanation extends ReadMap, ByMethod {
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

/** What is asked of a caption. */
type WordQuestion = Pick<WordExplanation, "kind" | "text" | "tokens">;

/** An open captioner. */
export class Captioner extends SentenceModel {
  /**
   * Says what is in a picture and explains the words.
   * @throws UserError for words that the model does not know, a sentence that is empty or too long, an unknown method or layer.
   */
  async explain(picture: Picture, options: CaptionOptions = {}): Promise<Captioned> {
    checkCaption(options);
    checkPicture(picture);
    const methods = sentenceMethods(options, options.instead !== undefined && "sentence");
    const prompt = this.#prompt(picture);
    const given = options.caption === undefined ? undefined : prompt.encode(options.caption, "caption");
    const other = options.instead === undefined ? undefined : prompt.encode(options.instead, "other caption");
    const scored = await prompt.score(given ?? (await prompt.generate(options))[0]);
    const instead = other && (await prompt.score(other));

    const { sentence: caption, ids } = scored;
    const asked = questions(this.options.tokenizer.words(ids), ids.length, caption.text, options.words);
    const spans = asked.map(({ tokens }) => tokens);
    const own = asked.map((one) => ({
      ...{ ...one, question: inWords(one.text, options) },
      logProbability: total(caption.tokens.slice(...one.tokens)),
    }));
    const explanations: WordExplanation[] = await inSteps(methods, options.onProgress, (method, onProgress) =>
      prompt.explain(scored, spans, own, method, { ...options, onProgress }),
    );
    for (const [one, rival] of instead ? [[scored, instead] as const, [instead, scored] as const] : []) {
      const { text, logProbability } = one.sentence;
      const rather = {
        ...{ kind: "contrast" as const, text, question: inWords(text, { against: rival.sentence.text }) },
        ...{ tokens: [0, one.ids.length] as const, logProbability: logProbability - rival.sentence.logProbability },
      };
      explanations.push(await prompt.contrast(one, rival, rather));
    }
    const { geometry } = prompt;
    return { picture, geometry, caption, generated: given === undefined, instead: instead?.sentence, explanations };
  }

  /** A sentence about a picture, without its explanation. */
  async caption(picture: Picture, search: Pick<CaptionOptions, "beams" | "signal"> = {}): Promise<Sentence> {
    const prompt = this.#prompt(picture);
    return (await prompt.score((await prompt.generate(search))[0])).sentence;
  }

  /**
   * One ONNX file that tells sentences of so many words and explains each word by Grad-CAM, one picture in a run: the joined model with
   * the input `gradcam_words` (int64 [1, T], the tokens that are scored at the T places) and the outputs `gradcam_log_probability`
   * (float32 [1, T]) and `gradcam_map` (float32 [T, h, w]).
   * @param words tokens of a sentence, the end among them
   * @throws UserError for more words than the model allows.
   */
  compile(words: number, notes: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
    return this.#prompt(blankPicture(8, 8)).compile(words, { method: "grad-cam", task: "caption", ...notes });
  }

  /** A model that takes questions is asked for a caption. */
  #prompt(picture: Picture): Prompt {
    return this.prompt(picture, this.options.asked?.(captionRequest));
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
): WordQuestion[] {
  if (asked) return asked.flatMap((query) => find(words, query));
  const each = words.map(({ text, from, to }): WordQuestion => ({ kind: "word", text, tokens: [from, to] }));
  return [{ kind: "caption", text: text || "(nothing)", tokens: [0, tokens] }, ...each];
}

/** The places where a sentence has these words in a row; upper and lower case are alike. */
function find(words: readonly Word[], query: string): WordQuestion[] {
  const wanted = query.trim().toLowerCase().split(/\s+/);
  const texts = words.map(({ text }) => text);
  const starts = range(words.length).filter((i) => wanted.every((w, k) => texts[i + k]?.toLowerCase() === w));
  if (starts.length === 0)
    throw new UserError("unknown-name", `unknown word: "${query}"; the caption is made of ${listing(texts, 40)}`);
  return starts.map((i) => {
    const end = i + wanted.length;
    const tokens = [words[i].from, words[end - 1].to] as const;
    return { kind: wanted.length > 1 ? "words" : "word", text: texts.slice(i, end).join(" "), tokens };
  });
}
