/** @file What is asked about: a class, a contrast, the opposite of a class, or any cotangent; resolved to rows of weights on the scores. */

import { isRecord, listing, present, UserError } from "../errors.ts";
import { product, range } from "../onnx/dims.ts";
import type { Feeds } from "../onnx/runtime.ts";
import type { Plain, PlainDims } from "../read/axes.ts";

/**
 * What an explanation is about.
 * - a number: that class, for every image; a list: one class for each image
 * - `each`: every class for every image, the k explanations of an image side by side
 * - `for`, `against`: the difference of two scores, "why A rather than B"
 * - `counterfactual`: the negative of a score, where the evidence against the class is (Selvaraju et al., section 3.3)
 * - `seeds`: cotangents of any tensors, as for `vjp`; k for each image where they have n k rows
 * - nothing: each image's best class
 */
export type Target =
  | number
  | readonly number[]
  | { readonly each: readonly number[] }
  | { readonly for: number; readonly against: number }
  | { readonly counterfactual: number }
  | { readonly seeds: Feeds };

type Weight = readonly [c: number, weight: number];

/** A weighted sum of class scores. */
export type Weights = readonly Weight[];

/** Rows of weights for n images, k each, image-major; or seeds as they were given. */
export type Asked =
  | { readonly k: number; readonly rows: readonly Weights[]; readonly seeds?: undefined }
  | { readonly k: number; readonly rows?: undefined; readonly seeds: Feeds };

/**
 * @param dims of the scores, [n, classes, ...]
 * @param best each image's best class, for a target that does not say
 * @throws UserError for a class out of range or a list whose length is not n.
 */
export async function resolve(
  target: Target | undefined,
  dims: PlainDims,
  best: () => Promise<readonly number[]>,
): Promise<Asked> {
  if (isRecord(target) && !forms.includes(Object.keys(target).sort().join())) throw invalidTarget(target);
  if (isRecord(target) && "seeds" in target) {
    if (!isRecord(target.seeds) || Object.keys(target.seeds).length === 0) throw invalidTarget(target);
    return { k: 1, seeds: target.seeds };
  }
  const [n] = dims;
  const all = (weights: Weights): Asked => ({ k: 1, rows: range(n).map(() => weights) });
  const one = (c: number): Weights => [[checkClass(c, dims), 1]];
  if (target === undefined) return { k: 1, rows: (await best()).map(one) };
  if (typeof target === "number") return all(one(target));
  if (typeof target !== "object" || target === null) throw invalidTarget(target);
  if ("each" in target) {
    if (!Array.isArray(target.each)) throw invalidTarget(target);
    if (target.each.length === 0) throw new UserError("invalid-option", "invalid target: no class is given");
    return { k: target.each.length, rows: range(n).flatMap(() => target.each.map(one)) };
  }
  if ("for" in target)
    return all([
      [checkClass(target.for, dims), 1],
      [checkClass(target.against, dims), -1],
    ]);
  if ("counterfactual" in target) return all([[checkClass(target.counterfactual, dims), -1]]);
  if (!Array.isArray(target)) throw invalidTarget(target);
  if (target.length !== n)
    throw new UserError(
      "invalid-option",
      `invalid target: ${target.length} classes for ${n} images; give one class for each image, or { each: [...] } for every class on every image`,
    );
  return { k: 1, rows: target.map(one) };
}

/** The names in a target, sorted. */
const forms = ["each", "against,for", "counterfactual", "seeds"];

function invalidTarget(target: unknown): UserError {
  const allowed = "a class index, a list of them, { each }, { for, against }, { counterfactual } and { seeds }";
  return new UserError(
    "invalid-option",
    `invalid target: ${isRecord(target) ? `{ ${Object.keys(target).join(", ")} }` : String(target)}; allowed are ${allowed}`,
  );
}

function checkClass(c: number, dims: PlainDims): number {
  if (dims.length === 3)
    throw new UserError(
      "invalid-option",
      `invalid target: a class needs scores of shape [n, classes], the output has [${dims}]; give { seeds } instead`,
    );
  if (!Number.isInteger(c) || c < 0 || c >= dims[1])
    throw new UserError("unknown-name", `unknown class: ${c}; allowed are 0 to ${dims[1] - 1}`);
  return c;
}

/** The class of each row, where every row is one class with weight 1. */
export function plainClasses(rows: readonly Weights[]): number[] | undefined {
  return rows.every((row) => row.length === 1 && row.every(([, weight]) => weight === 1)) ? classesIn(rows) : undefined;
}

export const classesIn = (rows: readonly Weights[]): number[] => rows.flat().map(([c]) => c);

/** Cotangents [rows, classes, ...] of scores of shape [n, classes, ...]: a class's score on a grid is its mean over the grid. */
export function cotangents(rows: readonly Weights[], scores: PlainDims): Plain {
  const [, classes, ...grid] = scores;
  const places = product(grid);
  const data = new Float32Array(rows.length * classes * places);
  rows.forEach((row, r) => {
    for (const [c] of row) {
      const weight = row.reduce((sum, [other, one]) => (other === c ? sum + one : sum), 0);
      const from = (r * classes + c) * places;
      data.fill(weight / places, from, from + places);
    }
  });
  return { data, dims: [rows.length, classes, ...grid] };
}

/** An image's score of every class: its mean over the grid, where there is one. */
export function classScores({ data, dims }: Plain, image: number): Float32Array {
  const [, classes, ...grid] = dims;
  const places = product(grid);
  if (places === 1) return data.slice(image * classes, (image + 1) * classes);
  return Float32Array.from({ length: classes }, (_, c) => {
    const from = (image * classes + c) * places;
    return data.subarray(from, from + places).reduce((a, b) => a + b, 0) / places;
  });
}

/** An order of classes: the highest score first, of equal ones the lower index. */
export const byScore =
  (scores: Float32Array) =>
  (a: number, b: number): number =>
    present(scores[b], "a score") - present(scores[a], "a score") || a - b;

/**
 * The classes with the highest scores, in the order of {@link byScore}. A few are picked in one pass: to sort a thousand classes for the
 * best of them takes a service longer than its HTTP.
 */
export function bestClasses(scores: Float32Array, count: number): number[] {
  if (count > 64) return range(scores.length).sort(byScore(scores)).slice(0, count);
  const best: { readonly c: number; readonly score: number }[] = [];
  for (let c = 0; c < scores.length; c++) {
    const score = present(scores[c], "a score");
    const last = best[count - 1];
    if (last && !(score > last.score)) continue;
    const at = best.findIndex((other) => score > other.score);
    best.splice(at < 0 ? best.length : at, 0, { c, score });
    if (best.length > count) best.pop();
  }
  return best.map(({ c }) => c);
}

/** @throws UserError `not-finite` where a score is NaN or infinite. */
export function checkFinite({ data, dims: [n] }: Plain, name: string): void {
  let bad = 0;
  while (bad < data.length && Number.isFinite(data[bad])) bad++;
  if (bad === data.length) return;
  const image = Math.floor(bad / (data.length / n));
  throw new UserError(
    "not-finite",
    `not finite: the scores "${name}" hold ${data[bad]} (image ${listing([String(image)])}); nothing can be explained from them`,
  );
}
