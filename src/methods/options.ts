/** @file The options of methods: how they are declared, and how what is given becomes what a method is told. */
import { expects, isRecord, listing, UserError } from "../errors.ts";
import type { GivenOptions, Method, MethodOption, MethodOptions } from "./method.ts";
import { signs } from "./method.ts";

export const wholeOption = (name: string, usual: number, least = 1): MethodOption => ({
  ...{ name, default: usual, range: `an integer of at least ${least}` },
  fits: (value) => Number.isSafeInteger(value) && Number(value) >= least,
});

/** A finite number, from one on or up to another where they are given. */
export const numberOption = (name: string, usual: number, least = 0, most = Number.MAX_VALUE): MethodOption => ({
  ...{ name, default: usual },
  range: most === Number.MAX_VALUE ? `a number of at least ${least}` : `a number from ${least} to ${most}`,
  fits: (value) => typeof value === "number" && value >= least && value <= most,
});

export const choiceOption = (name: string, choices: readonly string[]): MethodOption => ({
  ...{ name, default: choices[0], range: `one of ${choices.join(", ")}` },
  fits: (value) => choices.includes(value as string),
});

/** Which part of the map is shown: a constant of the graph. */
export const signOption: MethodOption = { ...choiceOption("sign", signs), compiles: true };

/** What a map is of: the score that is asked about, or of a box all that the detector says of it, joined as levels are. */
export const attributesOption: MethodOption = choiceOption("attributes", ["score", "all"]);

/** All attributes are joined by those who know them: @throws UserError where they are asked for of what is no box. */
export function refuseAttributes({ attributes }: GivenOptions): void {
  if (attributes === "all")
    throw new UserError(
      "invalid-option",
      'invalid option attributes: "all" are the score and the edges of one box of a detector, such as box:0; allowed here is score',
    );
}

type Optioned = Pick<Method, "name" | "options">;

/**
 * What each of some methods is told: an option belongs to those that have it.
 * @returns in their order
 * @throws UserError `invalid-option` for an option that none of them has, or a value out of its range.
 */
export function optionsFor(methods: readonly Optioned[], given: GivenOptions = {}): MethodOptions[] {
  expects(isRecord(given), "options", given, "an object of values by name");
  const known = new Set(methods.flatMap(({ options = [] }) => options.map(({ name }) => name)));
  const unknown = Object.keys(given).find((name) => given[name] !== undefined && !known.has(name));
  if (unknown !== undefined) {
    const of = methods.map(({ name }) => name).join(", ");
    throw new UserError("invalid-option", `unknown option of ${of}: "${unknown}"; allowed are ${listing(known, 40)}`);
  }
  return methods.map(({ name: method, options = [] }) => {
    const asked = options.filter(({ name, around }) => !around || given[name] !== undefined);
    const filled = asked.map(({ name, default: usual, range, fits }) => {
      const value = given[name] ?? usual;
      expects(fits(value), `option ${name} of ${method}`, value, range);
      return [name, value] as const;
    });
    return Object.fromEntries(filled) as MethodOptions;
  });
}

/** What one method is told; @throws UserError as {@link optionsFor}. */
export const optionsOf = (method: Optioned, given?: GivenOptions): MethodOptions =>
  optionsFor([method], given)[0] as MethodOptions;

/** Of what is given to several methods, what one of them has. */
export const ownOptions = ({ options = [] }: Optioned, given: GivenOptions = {}): GivenOptions =>
  Object.fromEntries(Object.entries(given).filter(([name]) => options.some((option) => option.name === name)));
