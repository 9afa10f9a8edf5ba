/** @file Image captioning: a picture in, a sentence and where each of its words came from out. */

import { checkOptions, listing, type OptionNames, UserError } from "../../errors.ts";
import type { Geometry } from "../../image/geometry.ts";
import { picture as blankPicture, type Picture } from "../../image/picture.ts";
import { type AskingOptions, askingOptions, inSteps, isText, listOf } from "../asking.ts";
import { type ByMethod, inWords, type ReadMap } from "../raw-map.ts";
import { checkPicture } from "../sample.ts";
import type { ScoredSentence, Sentence, SentencePart } from "./sentence.ts";
import { type Prompt, SentenceModel, sentenceMethods } from "./sentence-model.ts";

export type { Sentence, Token } from "./sentence.ts";
export type { SentenceModelOptions as CaptionerOptions } from "./sentence-model.ts";

export interface CaptionOptions extends AskingOptions {
  /** The sentence to explain; the model's own by default. */
  readonly caption?: string;
  /** Another sentence: explains the caption rather than it, and it rather than the caption. By Grad-CAM only. */
  readonly instead?: string;
  /** Words to explain, or several in a row; every word by default. */
  readonly words?: readonly string[];
  /** How many sentences the search keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
}

const captionOptions: OptionNames<CaptionOptions> = {
  ...askingOptions,
  ...{ caption: [isText, "a text"], instead: [isText, "a text"] },
  ...{ words: listOf(isText, '["red circle"]'), beams: true },
};

/** What a map is of: the whole sentence, a word, several in a row, or one sentence rather than another. */
export type WordKind = "caption" | "word" | "words" | "contrast";

/** One map: words, by a method; a contrast's log-probability is the difference of the two sentences'. */
export interface WordExplanation extends ReadMap, ByMethod, SentencePart {
  readonly kind: WordKind;
  /** In words: "circle", "against circle", "a red circle rather than a dog". */
  readonly question: string;
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

/** An open captioner. */
export class Captioner extends SentenceModel {
  /**
   * Says what is in a picture and explains the words.
   * @throws UserError for words that the model does not know, a sentence that is empty or too long, an unknown method or layer.
   */
  async explain(picture: Picture, options: CaptionOptions = {}): Promise<Captioned> {
    checkOptions(options, captionOptions, "a captioner's explain");
    checkPicture(picture);
    const methods = await sentenceMethods(options, options.instead !== undefined && "sentence");
    const prompt = this.#prompt(picture);
    const given = options.caption === undefined ? undefined : prompt.encode(options.caption, "caption");
    const other = options.instead === undefined ? undefined : prompt.encode(options.instead, "other caption");
    const scored = await prompt.score(given ?? (await prompt.likeliest(options)));
    const instead = other && (await prompt.score(other));

    const { whole, words, sentence: caption } = scored;
    const each = words.map((word) => ({ kind: "word" as const, ...word }));
    const parts: (SentencePart & { readonly kind: WordKind })[] = options.words?.flatMap((query) =>
      found(scored, query),
    ) ?? [{ kind: "caption", ...whole }, ...each];
    const asked = (part: (typeof parts)[number]) => ({ ...part, question: inWords(part.text, options) });
    const explanations: WordExplanation[] = await inSteps(methods, options.onProgress, (method, onProgress) =>
      prompt.explain(scored, parts, asked, method, { ...options, onProgress }),
    );
    for (const [one, rival] of instead ? [[scored, instead] as const, [instead, scored] as const] : []) {
      const { text } = one.sentence;
      const logProbability = one.sentence.logProbability - rival.sentence.logProbability;
      const question = inWords(text, { against: rival.sentence.text });
      const rather = { ...one.whole, kind: "contrast" as const, text, logProbability, question };
      explanations.push(await prompt.contrast(one, rival, rather, options.options));
    }
    const { geometry } = prompt;
    return { picture, geometry, caption, generated: given === undefined, instead: instead?.sentence, explanations };
  }

  /** A sentence about a picture, without its explanation. */
  async caption(picture: Picture, search: Pick<CaptionOptions, "beams" | "signal"> = {}): Promise<Sentence> {
    const prompt = this.#prompt(picture);
    return (await prompt.score(await prompt.likeliest(search))).sentence;
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

/** The places where a sentence has these words in a row; upper and lower case are alike. */
function found(scored: ScoredSentence, query: string) {
  const { words } = scored;
  const wanted = query.trim().toLowerCase().split(/\s+/);
  const textOf = (row: readonly SentencePart[]) => row.map(({ text }) => text).join(" ");
  const rows = words.map((_, i) => words.slice(i, i + wanted.length));
  const fits = rows.filter((row) => textOf(row).toLowerCase() === wanted.join(" "));
  const texts = words.map(({ text }) => text);
  if (fits.length === 0)
    throw new UserError("unknown-name", `unknown word: "${query}"; the caption is made of ${listing(texts, 40)}`);
  return fits.map((row) => {
    const ends = row.flatMap(({ tokens }) => tokens);
    const kind: WordKind = row.length > 1 ? "words" : "word";
    return { kind, ...scored.part(textOf(row), Math.min(...ends), Math.max(...ends)) };
  });
}
