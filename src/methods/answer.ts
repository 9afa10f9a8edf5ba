/** @file What a method by hand gives, looked at: its maps have the shape that was asked for, and finite values. */
import type { Dense } from "../array/dense.ts";
import { expects, isRecord, UserError } from "../errors.ts";
import { product } from "../onnx/dims.ts";
import type { Explanation, Method, Question } from "./method.ts";

/** @throws UserError that says what was expected and what was seen. */
export async function explained(
  method: Pick<Method, "name" | "space" | "explain">,
  question: Question,
): Promise<Explanation> {
  const { image, k } = question;
  const m = image.dims[0] * k;
  let grid = method.space === "pixels" ? image.dims.slice(2) : question.grid;
  const answer = await method.explain({
    ...question,
    async atLayer(map, weigh) {
      const maps = await question.atLayer(map, weigh);
      if (method.space === "layer") grid = maps.dims.slice(1);
      return maps;
    },
    async atAttentions(map) {
      const maps = await question.atAttentions(map);
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
