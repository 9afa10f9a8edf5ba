/**
 * @file A method by hand: an object that is taken wherever a method's name is.
 *
 * It is looked at when it is defined, and what it gives whenever it explains: what is no map of the right shape, or holds a value that is
 * not finite, is the error of whoever wrote it, and never a picture.
 */
import type { Dense } from "../array/dense.ts";
import { expects, isRecord, UserError } from "../errors.ts";
import { product } from "../onnx/dims.ts";
import { type MethodName, methodNamed, methods } from "./index.ts";
import type { Explanation, GraphExplanation, Method, Question } from "./method.ts";

/** A method by its name, or one's own. */
export type MethodChoice = MethodName | Method;

/** What a method must say of itself; how it is written is its name, and the rest nothing, unless told. */
export type MethodDefinition<Name extends string = string> = Pick<Method<Name>, "name" | "space" | "explain"> &
  Partial<Method<Name>>;

/** The checked form of each object that was seen, of a checked one itself: a method has one identity. */
const known = new WeakMap<object, Method>(methods.map((method) => [method, method]));

/**
 * A method of one's own, for `method` of every call that explains or compiles. Maps are checked from then on; methods at a layer are made
 * by `layerMethod`.
 * @throws UserError `invalid-option` for what is no method, for a name that files cannot have, or that of a built-in method.
 */
export function defineMethod<Name extends string>(given: MethodDefinition<Name>): Method<Name> {
  const checked = isRecord(given) ? known.get(given) : undefined;
  if (checked) return checked as Method<Name>;
  checkDefinition(given);
  const { title = given.name, summary = "", paper = "" } = given;
  const method: Method<Name> = {
    ...given,
    ...{ title, summary, paper },
    explain: (question) => explained(given, question),
    ...(given.graph && { graph: (question) => asGraph(given, given.graph?.(question)) }),
  };
  known.set(given, method);
  known.set(method, method);
  return method;
}

/** @throws UserError `unknown-name` for a name that is none, `invalid-option` for an object that is no method. */
export const methodOf = (given: MethodChoice): Method =>
  typeof given === "string" ? methodNamed(given) : defineMethod(given);

/** Those that were asked for; @throws UserError as `methodOf`, and for two methods of one name, whose maps nobody could tell apart. */
export function methodsOf(given: MethodChoice | readonly MethodChoice[] = "grad-cam"): Method[] {
  const chosen = [given].flat().map(methodOf);
  for (const method of chosen)
    if (chosen.some((other) => other.name === method.name && other !== method))
      throw new UserError(
        "invalid-option",
        `invalid method: two are named "${method.name}"; give each a name of its own`,
      );
  return chosen;
}

function checkDefinition(given: MethodDefinition): void {
  expects(isRecord(given), "method", given, "a name, or an object { name, space, explain }");
  const { name, space, explain, graph, nothing } = given;
  const spoken = typeof name === "string" && /^[a-z0-9][a-z0-9+_-]{0,59}$/i.test(name);
  expects(spoken, "name of a method", name, "letters, digits, - and +, as in grad-cam++");
  if (methods.some((method) => method.name === name))
    throw new UserError("invalid-option", `invalid name of a method: "${name}" is built in; give yours another one`);
  const of = (what: string) => `${what} of the method "${name}"`;
  expects(space === "layer" || space === "pixels", of("space"), space, '"layer" or "pixels"');
  expects(typeof explain === "function", of("explain"), explain, "a function that gives { maps }");
  expects(graph === undefined || typeof graph === "function", of("graph"), graph, "a function, or nothing");
  expects(nothing === undefined || typeof nothing === "function", of("nothing"), nothing, "a function, or nothing");
  for (const what of ["title", "summary", "paper"] as const)
    expects(given[what] === undefined || typeof given[what] === "string", of(what), given[what], "a text");
}

async function explained(method: MethodDefinition, question: Question): Promise<Explanation> {
  const { image, k } = question;
  const m = image.dims[0] * k;
  let grid = method.space === "pixels" ? image.dims.slice(2) : question.grid;
  const answer = await method.explain({
    ...question,
    async atLayer(map) {
      const maps = await question.atLayer(map);
      if (method.space === "layer") grid = maps.dims.slice(1);
      return maps;
    },
  });
  const of = `of the method "${method.name}"`;
  expects(isRecord(answer), `answer ${of}`, answer, "{ maps }");
  check(answer.maps, `maps ${of}`, [m, ...(grid ?? image.dims.slice(2).map(() => "any" as const))]);
  if (answer.pixels !== undefined) check(answer.pixels, `pixels ${of}`, [m, ...image.dims.slice(1)]);
  return answer;
}

/** @throws UserError that says the shape or the value that was expected, and the one that was seen. */
function check(array: Dense, what: string, expected: readonly (number | "any")[]): void {
  const given = isRecord(array) ? array : { data: array, dims: undefined };
  const { data, dims } = given as Partial<Dense>;
  expects(
    data instanceof Float32Array && Array.isArray(dims),
    what,
    array,
    "{ data: a Float32Array, dims: its shape }",
  );
  const [values, shape] = [data as Float32Array, dims as readonly number[]];
  const fits = shape.length === expected.length && expected.every((d, i) => d === "any" || d === shape[i]);
  if (!fits || values.length !== product(shape))
    throw new UserError(
      "invalid-option",
      `invalid ${what}: expected [${expected.join(", ")}], seen [${shape.join(", ")}] with ${values.length} values`,
    );
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const place = shape.map((d, i) => Math.floor(bad / product(shape.slice(i + 1))) % d);
  throw new UserError(
    "not-finite",
    `not finite: ${what}: expected finite numbers, seen ${values[bad]} at [${place.join(", ")}]`,
  );
}

function asGraph({ name }: MethodDefinition, given: GraphExplanation | undefined): GraphExplanation {
  const value = given && ("map" in given ? given.map : given.pixels);
  expects(
    typeof value?.name === "string",
    `graph of the method "${name}"`,
    given,
    "{ map } or { pixels }, a tensor each",
  );
  return given as GraphExplanation;
}
