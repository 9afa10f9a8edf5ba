/** @file What a kind of study wants of a picture: whether it fits, and what is asked about it. */
import type { Marked, Sample } from "../../evaluate/sample.ts";

/** A picture as a model sees it: what the dataset says of it in the model's classes, and the model's own ranking. */
export interface Look {
  readonly sample: Sample;
  /** All classes, best first. */
  readonly ranking: readonly number[];
  readonly name: (index: number) => string;
}

/** A question about a picture: a visualisation by each model, of a class of its own. */
export interface Question {
  readonly subject?: string;
  readonly choices: readonly string[];
  readonly right?: number;
  /** The class that each model explains. */
  readonly classes: readonly number[];
}

export interface Plan {
  /** Whether a picture can fit, from its annotations alone. */
  suits(sample: Sample): boolean;
  /** The question about a picture, by the looks of all models; none when it does not fit. */
  questions(looks: readonly Look[]): readonly Question[];
  /** Whether models are compared or judged, so that their accuracy over the dataset has to be known. */
  readonly accuracy: boolean;
  /** Whether the photograph is shown too. */
  readonly photo: boolean;
  /** Conditions that are shown without a visualisation. */
  readonly without: readonly string[];
  readonly methods: readonly string[];
}

/** The model's classes that are right for a picture: its label's, or those of its one category. */
export function rightClasses({ labels, objects }: Sample): readonly number[] | undefined {
  if (labels?.length) return labels;
  const things = categories(objects);
  return things.size === 1 ? [...things.values()][0] : undefined;
}

/** A picture's categories by name, and the model's classes that mean them. */
export function categories(objects: readonly Marked[]): Map<string, readonly number[]> {
  return new Map(objects.map(({ name, classes }) => [name, classes]));
}

/** Of "tabby, tabby cat" the first name. */
export const short = (label: string): string => label.split(",")[0].trim();
