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
    const top = /^top(\d+)$/.exec(text);
    if (top) return best(checkedCount(Number(top[1]), classes));
    if (/^[+-]?\d+$/.test(text)) return [checked(Number(text), classes)];
    return [this.#named(text, classes)];
  }

  /** A name, or one of the synonyms that commas separate; upper and lower case are alike. */
  #named(text: string, classes: number): number {
    const wanted = text.toLowerCase();
    const indices = this.#names.map((_, i) => i);
    const whole = (i: number) => this.#names[i].trim().toLowerCase();
    const synonyms = (i: number) => this.#names[i].split(",").map((s) => s.trim().toLowerCase());
    const exact = indices.filter((i) => wanted && whole(i) === wanted);
    const found = exact.length ? exact : indices.filter((i) => wanted && synonyms(i).includes(wanted));
    if (found.length === 1) return found[0];
    if (found.length > 1)
      throw new UserError(
        "unknown-name",
        `unknown class: "${text}" is the name of classes ${listing(found.map(String))}; give an index`,
      );
    const near = indices.filter((i) => wanted && whole(i).includes(wanted)).map((i) => `${this.#names[i]} (${i})`);
    const hint = near.length
      ? `did you mean ${listing(near, 6)}?`
      : `allowed are a class name, an index from 0 to ${classes - 1}, or topN`;
    throw new UserError("unknown-name", `unknown class: "${text}"; ${hint}`);
  }
}

function checkedCount(count: number, classes: number): number {
  if (count >= 1 && count <= classes) return count;
  throw new UserError("unknown-name", `unknown class: "top${count}"; allowed are top1 to top${classes}`);
}

function checked(index: number, classes: number): number {
  if (index >= 0 && index < classes) return index;
  throw new UserError("unknown-name", `unknown class: ${index}; allowed are 0 to ${classes - 1}, a name, or topN`);
}
