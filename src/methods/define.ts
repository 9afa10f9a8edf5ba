/**
 * @file A method by hand: an object that is taken wherever a method's name is.
 *
 * It is looked at when it is defined, and what it gives whenever it explains: what is no map of the right shape, or holds a value that is
 * not finite, is the error of whoever wrote it, and never a picture.
 */
import { expects, isRecord } from "../errors.ts";
import type { GraphExplanation, Method } from "./method.ts";

/** What a method must say of itself; how it is written is its name, and the rest nothing, unless told. */
export type MethodDefinition<Name extends string = string> = Pick<Method<Name>, "name" | "space" | "explain"> &
  Partial<Method<Name>>;

/** The checked form of each object that was seen, of a checked one itself: a method has one identity. */
const known = new WeakMap<object, Method>();

/**
 * A method of one's own, for `method` of every call that explains or compiles. Maps are checked from then on; methods at a layer are made
 * by `layerMethod`.
 * @throws UserError `invalid-option` for what is no method, and for a name that files cannot have; where it is asked by, for that of a built-in method.
 */
export function defineMethod<Name extends string>(given: MethodDefinition<Name>): Method<Name> {
  const checked = isRecord(given) ? known.get(given) : undefined;
  if (checked) return checked as Method<Name>;
  checkDefinition(given);
  const { name, space, title = name, summary = "", paper = "", blackBox, classIndependent } = given;
  const { options, family, cost, tasks, uncompiled, readsAttentions } = given;
  const method: Method<Name> = {
    ...{ name, space, title, summary, paper, blackBox, classIndependent },
    ...{ options, family, cost, tasks, uncompiled, readsAttentions },
    // Fetched when a method by hand explains: who uses the built-in ones has none of it.
    explain: async (question) => (await import("./answer.ts")).explained(given, question),
    ...(given.nothing && { nothing: (...asked) => String(given.nothing?.(...asked)) }),
    ...(given.graph && { graph: (question) => asGraph(given, given.graph?.(question)) }),
  };
  known.set(given, method);
  known.set(method, method);
  return method;
}

function checkDefinition(given: MethodDefinition): void {
  expects(isRecord(given), "method", given, "a name, or an object { name, space, explain }");
  const { name, space, explain } = given;
  const spoken = typeof name === "string" && /^[a-z0-9][a-z0-9+_-]{0,59}$/i.test(name);
  expects(spoken, "name of a method", name, "letters, digits, - and +");
  const of = (what: string) => `${what} of the method "${name}"`;
  expects(space === "layer" || space === "pixels", of("space"), space, '"layer" or "pixels"');
  expects(typeof explain === "function", of("explain"), explain, "a function");
  const isOption = (option: unknown) =>
    isRecord(option) && typeof option.name === "string" && typeof option.fits === "function" && "default" in option;
  const isDeclared = given.options === undefined || (Array.isArray(given.options) && given.options.every(isOption));
  expects(isDeclared, of("options"), given.options, "a list of { name, default, range, fits }");
  for (const what of ["graph", "nothing"] as const)
    expects(!given[what] || typeof given[what] === "function", of(what), given[what], "a function");
}

function asGraph({ name }: MethodDefinition, given: GraphExplanation | undefined): GraphExplanation {
  const value = given && ("map" in given ? given.map : given.pixels);
  expects(typeof value?.name === "string", `graph of the method "${name}"`, given, "{ map } or { pixels }");
  return given as GraphExplanation;
}
