/** @file What a dataset is: samples in order, and what was left out of it, counted. */

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
  /** @throws UserError for annotations that cannot be read. */
  read(source: Source, files: readonly string[], classes: ClassNames): Promise<Dataset>;
}

const pictures = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;

export const isPicture = (file: string): boolean => pictures.test(file);

/** Gathers what does not fit. */
export class Remarks {
  readonly #found = new Map<string, string[]>();

  add(what: string, example: string): void {
    this.#found.set(what, [...(this.#found.get(what) ?? []), example]);
  }

  list(): Remark[] {
    return [...this.#found].map(([what, all]) => ({ what, count: all.length, examples: all.slice(0, 5) }));
  }
}

/** A file's name without folders and extension. */
export const stem = (file: string): string => (file.split("/").at(-1) ?? file).replace(/\.[^.]*$/, "");
