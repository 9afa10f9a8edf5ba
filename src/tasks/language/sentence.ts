/** @file A sentence, and what a model gives it. */

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

/** The tokens [from, to) of a sentence. */
export type Span = readonly [from: number, to: number];

export const total = (tokens: readonly Token[]): number =>
  tokens.reduce((sum, { logProbability }) => sum + logProbability, 0);
