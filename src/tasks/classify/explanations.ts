/** @file Explanations of classes: what is asked in words, and a map for each class and method. */
import type { SingleTarget } from "../../explain/every-layer.ts";
import type { Point } from "../../image/locate.ts";
import type { Method, Sign } from "../../methods/method.ts";
import type { Labels } from "../labels.ts";
import { type ByMethod, inWords, type RawMap, type Remarks, withRemarks } from "../raw-map.ts";
import type { PixelMask } from "../segment/planes.ts";

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  /** Null for a score that is a value and not a class's: a regression's, a similarity. */
  readonly probability: number | null;
}

export interface ExplainedClass extends RawMap, ByMethod, Remarks {
  readonly class: number;
  readonly label: string;
  /** The question: as it was asked, or of those that one stood for, this one. */
  readonly target: string;
  /** Of a detector: which detection it is about. */
  readonly detection?: number;
  /** Of a segmenter: which mask it is about, by its index. */
  readonly mask?: number;
  /** Of a text recogniser: which character it is about, by its index. */
  readonly character?: number;
  /** Which region of the picture, in the pixels that maps are laid over. */
  readonly region?: PixelMask;
  /** Which pixel of the original picture. */
  readonly pixel?: Point;
  /** What was asked, in short, for names of files: "967", "967-against-504", "not-967". */
  readonly asked: string;
  /** What was asked, in words: "espresso", "espresso rather than cup", "against espresso". */
  readonly question: string;
}

/** What is asked about a class: for it, for it rather than another, or against it. */
export interface ClassQuestion {
  readonly class: number;
  readonly against?: number;
  readonly counterfactual?: boolean;
}

/** A class that is asked about, and the question: as it was asked, or of those that one stood for, this one. */
export interface AskedClass extends ClassQuestion {
  readonly target: string;
}

export const targetOf = ({ class: index, against, counterfactual }: ClassQuestion): SingleTarget =>
  against !== undefined ? { for: index, against } : counterfactual ? { counterfactual: index } : index;

/** A method's map of a class, and what was asked. */
export function explanationOf(
  question: AskedClass,
  method: Method,
  labels: Labels,
  raw: RawMap,
  sign?: Sign,
): ExplainedClass {
  const { class: index, against, counterfactual, target } = question;
  const label = labels.name(index);
  const words = inWords(label, { against: against === undefined ? undefined : labels.name(against), counterfactual });
  const asked = against !== undefined ? `${index}-against-${against}` : counterfactual ? `not-${index}` : String(index);
  const read = withRemarks({ class: index, label, target, asked, question: words }, method, raw, [], sign);
  const text = `${method.title} hardly depends on the class.`;
  const known = method.classIndependent && read.blank === undefined;
  return known ? { ...read, warnings: [...read.warnings, { code: "class-independent", text }] } : read;
}
