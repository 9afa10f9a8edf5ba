/** @file Which of a model's classes a dataset means: by index, label, WordNet id, or a mapping. */
import { UserError } from "../../errors.ts";
import { cocoToImagenet, type Mapping, vocToImagenet } from "./class-maps.ts";
import { synsets } from "./imagenet-1k.ts";

export class ClassNames {
  readonly #index = new Map<string, number>();

  constructor(
    /** The model's, in order. */
    labels: readonly string[],
    private readonly mapping: Mapping = {},
  ) {
    // "tabby, tabby cat" goes by the whole and by each part; the first class of a name keeps it.
    for (const [i, label] of labels.entries()) for (const name of [label, ...label.split(",")]) this.#add(name, i);
    if (labels.length === 1000) for (const [i, synset] of synsets.entries()) this.#add(synset, i);
    if (labels.length === 1000 && Object.keys(mapping).length === 0)
      this.mapping = { ...vocToImagenet, ...cocoToImagenet };
    this.count = labels.length;
  }

  readonly count: number;

  #add(name: string, index: number): void {
    const key = plain(name);
    if (key && !this.#index.has(key)) this.#index.set(key, index);
  }

  /** The model's classes for a dataset's name; undefined for a name that is not known. */
  of(name: string): readonly number[] | undefined {
    const mapped = Object.hasOwn(this.mapping, name) ? this.mapping[name] : undefined;
    if (mapped) return mapped.map((entry) => this.#one(String(entry)) ?? unknown(name, entry));
    const one = this.#one(name);
    return one === undefined ? undefined : [one];
  }

  #one(name: string): number | undefined {
    const known = this.#index.get(plain(name));
    if (known !== undefined) return known;
    const index = /^\d+$/.test(name) ? Number(name) : Number.NaN;
    return index < this.count ? index : undefined;
  }
}

function unknown(name: string, entry: string | number): never {
  throw new UserError(
    "unknown-name",
    `unknown class in the mapping of "${name}": ${entry}; the model has no such class`,
  );
}

/** Case, underscores and surrounding space don't tell names apart. */
const plain = (name: string): string => name.trim().toLowerCase().replaceAll("_", " ");
