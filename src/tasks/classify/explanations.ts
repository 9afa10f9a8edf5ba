/** @file What a classifier says of a picture, a signal or a volume: the best classes, and a map for each class and method. */
import type { SingleTarget } from "../../explain/every-layer.ts";
import type { Method } from "../../methods/method.ts";
import type { Labels } from "../labels.ts";
import { type PicturePlace, type PictureSubject, preparePicture } from "../pictures.ts";
import { type ByMethod, inWords, type RawMap, type Remarks, withRemarks } from "../raw-map.ts";
import type { Feeding, Kind, PreparedSample, Sample } from "../sample.ts";
import { prepareSignal, type SignalPlace, type SignalSubject } from "../signals.ts";
import { prepareVolume, type VolumePlace, type VolumeSubject } from "../volumes.ts";

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  /** Null for a score that is a value and not a class's: a regression's, a similarity. */
  readonly probability: number | null;
}

/** One map: a class, by a method. */
export interface ExplainedClass extends RawMap, ByMethod, Remarks {
  readonly class: number;
  readonly label: string;
  /** What was asked, in short, for names of files: "967", "967-against-504", "not-967". */
  readonly asked: string;
  /** What was asked, in words: "espresso", "espresso rather than cup", "against espresso". */
  readonly question: string;
}

interface Subjects {
  readonly picture: PictureSubject;
  readonly signal: SignalSubject;
  readonly volume: VolumeSubject;
}

interface Places {
  readonly picture: PicturePlace;
  readonly signal: SignalPlace;
  readonly volume: VolumePlace;
}

/** A map, and where it lies on the sample. */
export type ClassExplanation<K extends Kind = "picture"> = ExplainedClass & Places[K];

/** What a model made of a sample, and why. */
export type Why<K extends Kind = "picture"> = Subjects[K] & {
  readonly kind: K;
  /** The five best classes, and those asked for, best first. */
  readonly predictions: readonly Prediction[];
  readonly explanations: readonly ClassExplanation<K>[];
};

export type Prepared<K extends Kind> = PreparedSample<Subjects[K], Places[K]>;

/** How a sample becomes an input; @throws UserError `invalid-input` for a sample of another kind or shape. */
export const prepare: { readonly [K in Kind]: (sample: Sample, feeding: Feeding) => Prepared<K> } = {
  picture: preparePicture,
  signal: prepareSignal,
  volume: prepareVolume,
};

/** What is asked about a class: for it, for it rather than another, or against it. */
export interface ClassQuestion {
  readonly class: number;
  readonly against?: number;
  readonly counterfactual?: boolean;
}

export const targetOf = ({ class: index, against, counterfactual }: ClassQuestion): SingleTarget =>
  against !== undefined ? { for: index, against } : counterfactual ? { counterfactual: index } : index;

/** A method's map of a class, and what was asked. */
export function explanationOf(question: ClassQuestion, method: Method, labels: Labels, raw: RawMap): ExplainedClass {
  const { class: index, against, counterfactual } = question;
  const label = labels.name(index);
  const words = inWords(label, { against: against === undefined ? undefined : labels.name(against), counterfactual });
  const asked = against !== undefined ? `${index}-against-${against}` : counterfactual ? `not-${index}` : String(index);
  const read = withRemarks({ class: index, label, asked, question: words }, method, raw);
  const text = `${method.title} hardly depends on the class.`;
  const known = method.classIndependent && read.blank === undefined;
  return known ? { ...read, warnings: [...read.warnings, { code: "class-independent", text }] } : read;
}
