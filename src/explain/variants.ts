/** @file Variants of one picture as a model is fed them, and the gradients at them: many in one run, of bounded memory. */
import type { Dense } from "../array/dense.ts";
import { throwIfAborted } from "../errors.ts";
import { product, range } from "../onnx/dims.ts";
import type { Feeds, Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain, toPlain } from "../read/axes.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import type { Plan } from "./plan.ts";

/** The batch that a model declares; below 0 where it is free. */
const declaredBatch = ({ tensors }: Pick<Plan, "tensors">, { name, axes }: ExplainedInput): number =>
  axes.batch === undefined ? 1 : (tensors.get(name)?.dims[axes.batch] ?? -1);

/** Whether everything that a model is fed has a row for each picture, and any number of them is taken. */
export const takesAny = (plan: Pick<Plan, "tensors">, feeds: Feeds, explained: ExplainedInput): boolean =>
  declaredBatch(plan, explained) < 0 &&
  Object.keys(feeds).every((name) => name === explained.name || plan.tensors.get(name)?.dims[0] === -1);

/** Feeds of pictures, [b, C, ...], in place of the one of some index; what else is fed for it is repeated. */
export function feedsOf(
  { ort, tensors }: Pick<Plan, "ort" | "tensors">,
  feeds: Feeds,
  explained: ExplainedInput,
  index: number,
  pictures: Dense,
): Feeds {
  const { name: image, axes } = explained;
  const same = Array<number>(pictures.dims[0] ?? 1).fill(index);
  const declared = declaredBatch({ tensors }, explained);
  const isRow = (name: string) => [-1, declared].includes(tensors.get(name)?.dims[0] ?? 0);
  const varied = Object.entries(feeds).map(([name, feed]): [string, Tensor] => {
    if (name === image) return [name, toTensor(ort, fromPlain(pictures, axes), feed.type)];
    return [name, isRow(name) ? rowsOf(ort, feed, same) : feed];
  });
  return Object.fromEntries(varied);
}

/** Feeds in which one picture of the batch is another one, [C, ...]; all else stays as it is. */
export function feedsWith(
  { ort }: Pick<Plan, "ort">,
  feeds: Feeds,
  { name, axes }: ExplainedInput,
  index: number,
  picture: Float32Array,
): Feeds {
  const feed = tensorOf(feeds, name);
  const { data, dims } = toPlain(toDense(feed), axes);
  const changed = data.slice();
  changed.set(picture, index * picture.length);
  return { ...feeds, [name]: toTensor(ort, fromPlain({ data: changed, dims }, axes), feed.type) };
}

/**
 * Feeds variants of a picture, [any, C, ...], in batches: as many as a model of a fixed batch takes, the last ones blank, else so many.
 * @param rows in one run, where any number is taken; all by default
 * @param work a batch of so many rows, of which the first `count` are variants
 */
export async function fedInBatches(
  plan: Pick<Plan, "ort" | "tensors">,
  feeds: Feeds,
  explained: ExplainedInput,
  index: number,
  { data, dims: [total = 0, ...shape] }: Dense,
  work: (fed: Feeds, place: { readonly count: number; readonly rows: number }) => Promise<void>,
  rows = total,
): Promise<void> {
  const size = product(shape);
  const declared = declaredBatch(plan, explained);
  const most = declared > 0 ? declared : rows;
  for (let first = 0; first < total; first += most) {
    const batch = declared > 0 ? declared : Math.min(most, total - first);
    const pictures = new Float32Array(batch * size);
    pictures.set(data.subarray(first * size, Math.min(total, first + batch) * size));
    const fed = feedsOf(plan, feeds, explained, index, { data: pictures, dims: [batch, ...shape] });
    await work(fed, { count: Math.min(batch, total - first), rows: batch });
  }
}

/** Which questions are asked at which variants. */
export interface AskedAt {
  readonly variants: Dense;
  readonly k: number;
  /** The question at each variant; all of them by default. */
  readonly only?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * The gradients of k questions at variants, [variants k, C, ...], those at a variant side by side, or of one question at each.
 * @param rows in one run at most
 * @param answer the gradients of some questions, each at a picture of its own
 */
export async function inBatches(
  { variants: { data, dims }, k, only, signal }: AskedAt,
  rows: number,
  answer: (pictures: Dense, questions: readonly number[]) => Promise<Dense>,
): Promise<Dense> {
  const [count = 0, ...shape] = dims;
  const size = product(shape);
  const pairs = only
    ? only.map((question, v) => ({ question, v }))
    : range(count * k).map((pair) => ({ question: pair % k, v: Math.floor(pair / k) }));
  const answers = new Float32Array(pairs.length * size);
  for (let first = 0; first < pairs.length; first += rows) {
    throwIfAborted(signal);
    const some = pairs.slice(first, first + rows);
    const pictures = new Float32Array(some.length * size);
    for (const [i, { v }] of some.entries()) pictures.set(data.subarray(v * size, (v + 1) * size), i * size);
    const questions = some.map(({ question }) => question);
    answers.set((await answer({ data: pictures, dims: [some.length, ...shape] }, questions)).data, first * size);
  }
  return { data: answers, dims: [pairs.length, ...shape] };
}
