/** @file What a dataset is: samples in order, and what was left out of it, counted. */
import { listing } from "../../errors.ts";
import type { Sample } from "../sample.ts";
import type { Source } from "../source.ts";
import type { ClassNames } from "./classes.ts";

export interface Dataset {
  readonly samples: readonly Sample[];
  readonly remarks: readonly Remark[];
}

/** Something that does not fit together: how often, and the first names. */
export interface Remark {
  readonly what: string;
  readonly count: number;
  readonly examples: readonly string[];
}

/** A way in which datasets are laid out. */
export interface Format {
  readonly name: string;
  /** What lies where, in one line. */
  readonly layout: string;
  /** Whether a dataset with these files is laid out so. */
  recognises(files: readonly string[]): boolean;
  /** @throws UserError for annotations that cannot be read, or that may belong to several pictures. */
  read(source: Source, files: readonly string[], classes: ClassNames): Promise<Dataset>;
}

const pictures = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;

export const isPicture = (file: string): boolean => pictures.test(file);

/** Bytes that are read at most of an annotation of one picture, and of one file with all of them (COCO's largest has 450 MB). */
export const most = { annotation: 16 * 2 ** 20, annotations: 500 * 2 ** 20, names: 2 ** 20 } as const;

/** Of objects, by what they are called in every format. */
export const unknownObjects = "objects of classes that the model does not have";

/** Gathers what does not fit: one line for each kind, with a count. */
export class Remarks {
  readonly #found = new Map<string, { count: number; readonly examples: string[]; readonly names: Set<string> }>();

  /** @param name of the unknown class, where it is one; all of a kind share a line. */
  add(what: string, example: string, name?: string): void {
    const found = this.#found.get(what) ?? { count: 0, examples: [], names: new Set() };
    this.#found.set(what, found);
    found.count++;
    if (found.examples.length < 5) found.examples.push(example);
    if (name !== undefined) found.names.add(name);
  }

  list(): Remark[] {
    return [...this.#found].map(([what, { count, examples, names }]) => ({
      what: names.size ? `${what}: ${listing(names)}` : what,
      count,
      examples,
    }));
  }
}
