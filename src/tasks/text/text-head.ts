/** @file What a text recogniser gives: scores of characters at steps along a line, and which characters its classes are. */
import type { Axes } from "../../read/axes.ts";

/**
 * How steps become a text: by connectionist temporal classification each step says a character or a blank, and equal ones that follow one
 * another are one (Graves et al. 2006); an attention head says a character a step until it says that the text has ended.
 */
export type Spelling = "ctc" | "attention";

export interface TextHead {
  readonly spelling: Spelling;
  /** The scores, before any softmax. */
  readonly tensor: string;
  /** Its axes: the classes are `channels`, the steps the only one of `grid`. */
  readonly axes: Axes;
  readonly classes: number;
  /** The class that is the blank, or the end of the text. */
  readonly silent: number;
  /** The character of each class; undefined where nobody names them. */
  readonly characters: readonly string[] | undefined;
}

/** A character that nobody names. */
const unnamed = "\ufffd";

export const characterOf = ({ characters }: TextHead, c: number): string => characters?.[c] || unnamed;
