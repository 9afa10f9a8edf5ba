/** @file The names of classes, and what a person may write for one. */
import { listing, UserError } from "../errors.ts";

/** How a class is asked for: its index, its name, or `topN` for the N best. */
export type ClassQuery = number | string;

export class Labels {
  readonly #names: readonly string[];

  /** @param classes how many there are; names beyond them are an error, missing ones are "class N". */
  constructor(
    names: readonly string[],
    private readonly classes: number,
    private readonly unnamed = (index: number): string => `class ${index}`,
  ) {
    if (names.length > classes)
      throw new UserError(
        "invalid-input",
        `invalid labels: ${names.length} names for a model of ${classes === 1 ? "one class" : `${classes} classes`}; give ${classes} at most`,
      );
    this.#names = names;
  }

  /** What is to be said where there are names, but not for every class; they may be another model's. */
  get incomplete(): string | undefined {
    const { length } = this.#names;
    if (length === 0 || length >= this.classes || this.classes === Number.MAX_SAFE_INTEGER) return undefined;
    return `${length} names for a model of ${this.classes} classes: are they this model's? Give ${this.classes}, one for each`;
  }

  /** How many classes there are, or more than anybody has where that is not known. */
  get count(): number {
    return this.classes;
  }

  /** As they were given. */
  get names(): readonly string[] {
    return this.#names;
  }

  name(index: number): string {
    return this.#names[index] || this.unnamed(index);
  }

  /**
   * The classes that a query stands for, of so many.
   * @param best the classes of the highest scores, so many, the best first.
   * @throws UserError `unknown-name` for an index out of range, and for a name that is unknown or not unique.
   */
  find(query: ClassQuery, classes: number, best: (count: number) => readonly number[]): readonly number[] {
    const text = String(query).trim();
    const count = Number(/^top(\d+)$/.exec(text)?.[1] ?? Number.NaN);
    if (count >= 1 && count <= classes) return best(count);
    if (!Number.isNaN(count)) throw unknown(`"top${count}"`, `allowed are top1 to top${classes}`);
    if (!/^[+-]?\d+$/.test(text)) return [this.#named(text, classes)];
    const index = Number(text);
    if (index >= 0 && index < classes) return [index];
    throw unknown(index, `allowed are 0 to ${classes - 1}, a name, or topN`);
  }

  /** A name, or one of the synonyms that commas separate; upper and lower case are alike. */
  #named(text: string, classes: number): number {
    const wanted = text.toLowerCase();
    const names = this.#names.map((name, index) => ({ name, index, whole: name.trim().toLowerCase() }));
    const known = wanted ? names : [];
    const exact = known.filter(({ whole }) => whole === wanted);
    const synonyms = known.filter(({ whole }) => whole.split(",").some((synonym) => synonym.trim() === wanted));
    const [found, ...others] = exact.length ? exact : synonyms;
    if (found && others.length === 0) return found.index;
    if (found) {
      const indices = [found, ...others].map(({ index }) => String(index));
      throw unknown(`"${text}" is the name of classes ${listing(indices)}`, "give an index");
    }
    const near = known.filter(({ whole }) => whole.includes(wanted)).map(({ name, index }) => `${name} (${index})`);
    const allowed = `allowed are a class name, an index from 0 to ${classes - 1}, or topN`;
    throw unknown(`"${text}"`, near.length ? `did you mean ${listing(near, 6)}?` : allowed);
  }
}

const unknown = (seen: string | number, allowed: string): UserError =>
  new UserError("unknown-name", `unknown class: ${seen}; ${allowed}`);
