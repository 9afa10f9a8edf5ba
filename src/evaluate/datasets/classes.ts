/** @file Which of a model's classes a dataset means: by index, label, WordNet id, or a mapping. */
import { listing, UserError } from "../../errors.ts";
import { cocoToImagenet, type Mapping, vocToImagenet } from "./class-maps.ts";
import { synsets } from "./imagenet-1k.ts";

export class ClassNames {
  /** By whole labels, and by the parts of labels that commas separate and by WordNet ids. */
  readonly #whole = new Map<string, number[]>();
  readonly #parts = new Map<string, number[]>();
  readonly #known = new Map<string, readonly number[] | undefined>();

  constructor(
    /** The model's, in order. */
    labels: readonly string[],
    private readonly mapping: Mapping = {},
  ) {
    // "tabby, tabby cat" goes by the whole and by each part.
    for (const [i, label] of labels.entries()) {
      add(this.#whole, label, i);
      for (const name of label.split(",")) add(this.#parts, name, i);
    }
    if (labels.length === 1000) for (const [i, synset] of synsets.entries()) add(this.#parts, synset, i);
    if (labels.length === 1000 && Object.keys(mapping).length === 0)
      this.mapping = { ...vocToImagenet, ...cocoToImagenet };
    this.count = labels.length;
  }

  readonly count: number;

  /** The model's classes for a dataset's name; undefined for a name that is not known. @throws UserError for a name of several. */
  of(name: string): readonly number[] | undefined {
    // Annotations are many, their names few.
    if (!this.#known.has(name)) this.#known.set(name, this.#meant(name));
    return this.#known.get(name);
  }

  #meant(name: string): readonly number[] | undefined {
    const mapped = Object.hasOwn(this.mapping, name) ? this.mapping[name] : undefined;
    if (mapped) return mapped.map((entry) => this.#one(String(entry)) ?? unknown(name, entry));
    const one = this.#one(name);
    return one === undefined ? undefined : [one];
  }

  #one(name: string): number | undefined {
    const known = this.#whole.get(plain(name)) ?? this.#parts.get(plain(name)) ?? [];
    if (known.length > 1)
      throw new UserError(
        "unknown-name",
        `unknown class: "${name}" is the name of classes ${listing(known.map(String))}; say which one, {"${name}": [${known[0]}]}, by --class-map`,
      );
    if (known.length === 1) return known[0];
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

function add(names: Map<string, number[]>, name: string, index: number): void {
  const key = plain(name);
  const before = names.get(key) ?? [];
  if (key && !before.includes(index)) names.set(key, [...before, index]);
}

/** Case, underscores and surrounding space don't tell names apart. */
const plain = (name: string): string => name.trim().toLowerCase().replaceAll("_", " ");
