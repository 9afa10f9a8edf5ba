/** @file A sentence about a picture, what a model gives it, and its words. */
import { present } from "../../errors.ts";
import type { ScoredSequence } from "../../explain/sequence-explainer.ts";
import type { TextTokenizer } from "../formats/tokenizer.ts";

export interface Token {
  readonly id: number;
  readonly text: string;
  /** Natural logarithm, given the tokens before it. */
  readonly logProbability: number;
}

export interface Sentence {
  readonly text: string;
  /** With the end, where the sentence has one. */
  readonly tokens: readonly Token[];
  /** The sum over the tokens. */
  readonly logProbability: number;
}

/** The whole of a sentence, a word, or several in a row. */
export interface SentencePart {
  readonly text: string;
  /** The tokens [from, to) of the sentence. */
  readonly tokens: readonly [from: number, to: number];
  /** The sum over these tokens. */
  readonly logProbability: number;
}

/** A sentence about a picture, scored. */
export class ScoredSentence {
  readonly sentence: Sentence;
  readonly whole: SentencePart;
  readonly words: readonly SentencePart[];

  constructor(
    readonly told: ScoredSequence,
    readonly ids: readonly number[],
    tokenizer: TextTokenizer,
  ) {
    const logs = told.logProbabilities;
    const token = (id: number, t: number) => ({
      ...{ id, text: tokenizer.tokenText(id) },
      logProbability: present(logs[t], "a token's score"),
    });
    const text = tokenizer.decode(ids);
    const logProbability = logs.reduce((sum, log) => sum + log, 0);
    this.sentence = { text, tokens: ids.map(token), logProbability };
    this.whole = { text: text || "(nothing)", tokens: [0, ids.length], logProbability };
    this.words = tokenizer.words(ids).map((word) => this.part(word.text, word.from, word.to));
  }

  /** The tokens [from, to). */
  part(text: string, from: number, to: number): SentencePart {
    const tokens = this.sentence.tokens.slice(from, to);
    return { text, tokens: [from, to], logProbability: tokens.reduce((sum, token) => sum + token.logProbability, 0) };
  }
}
