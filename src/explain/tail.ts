/**
 * @file What lies behind a layer, run forwards on changed activations: the layer times factors, a row for each variant, and nothing of what
 * comes before it again.
 *
 * What the nodes behind it read beside the layer (the other side of a skip connection, sizes that depend on the batch) comes from one run of
 * the whole model on as many copies of the picture as there are rows.
 */
import type { Dense } from "../array/dense.ts";
import { present, UserError } from "../errors.ts";
import { extract, readsOf } from "../onnx/extract.ts";
import { freshPrefix, inputsOf, type Model } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { makeNode, makeValueInfo } from "../onnx/proto.ts";
import {
  type Feeds,
  openSession,
  overPreset,
  run,
  type Session,
  type SessionOptions,
  type Tensor,
} from "../onnx/runtime.ts";
import { rowsOf, tensorOf, toTensor } from "../onnx/tensors.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { layerFactors } from "../read/layer-values.ts";
import type { Plan } from "./plan.ts";
import { quiet } from "./sessions.ts";

/** The nodes behind a layer as a session. */
export interface Tail {
  readonly session: Session;
  /** The names of the inputs that take the activations of one picture, and the factors. */
  readonly activations: string;
  readonly factors: string;
  /** What else it reads of the model. */
  readonly reads: readonly string[];
}

/** Variants in one run unless it is told: enough to keep the cores busy, few enough for memory. */
export const usualRows = 32;

/** @throws UserError where the layer holds whole numbers, or what is wanted does not lie behind it. */
export async function openTail(
  { ort, model, tensors }: Pick<Plan, "ort" | "model" | "tensors">,
  layer: string,
  wanted: readonly string[],
  options: SessionOptions,
): Promise<Tail> {
  const { type, dims } = typeOf(model, tensors, layer);
  if (!isFloat(type))
    throw new UserError(
      "invalid-option",
      `invalid layer: "${layer}" is ${typeName(type)}, whole numbers; this method changes activations and takes a layer of floats`,
    );
  const prefix = freshPrefix(model);
  const [activations, factors] = [`${prefix}activations`, `${prefix}factors`];
  const nodes = [makeNode("Mul", [activations, factors], [layer]), ...nodesBehind(model, layer, wanted)];
  const made = new Set(nodes.flatMap(({ output }) => output));
  const other = wanted.find((name) => !made.has(name));
  if (other !== undefined)
    throw new UserError("no-path", `no path: "${other}" does not depend on the layer "${layer}"`);
  const [, ...rest] = dims.map((d, i) => (d < 0 ? `${prefix}${i}` : d));
  const extension = {
    nodes,
    initializers: [],
    inputs: [
      makeValueInfo(activations, type, [1, ...rest]),
      makeValueInfo(
        factors,
        type,
        dims.map((_, i) => `${prefix}f${i}`),
      ),
    ],
    outputs: wanted.map((name) => makeValueInfo(name)),
  };
  const bytes = extract(model, tensors, extension);
  const { residuals } = readsOf(model, extension);
  return {
    session: await openSession(ort, bytes, overPreset(quiet, options), model),
    activations,
    factors,
    reads: residuals,
  };
}

/** The nodes that depend on a layer, as far as something wanted depends on them. */
function nodesBehind({ graph }: Model, layer: string, wanted: readonly string[]) {
  const behind = new Set([layer]);
  const after = graph.node.filter((node) => {
    const reads = !node.output.includes(layer) && inputsOf(node).some((name) => behind.has(name));
    if (reads) for (const name of node.output) if (name) behind.add(name);
    return reads;
  });
  const needed = new Set(wanted);
  return after
    .toReversed()
    .filter((node) => {
      const isNeeded = node.output.some((name) => needed.has(name));
      if (isNeeded) for (const name of inputsOf(node)) needed.add(name);
      return isNeeded;
    })
    .toReversed();
}

export interface Variation {
  readonly layer: string;
  /** The layer of one picture, [1, ...]. */
  readonly activations: Tensor;
  /** What the model is fed, and which of its pictures is meant. */
  readonly feeds: Feeds;
  readonly image: number;
  /** [any, C or 1, ...grid or ones] */
  readonly factors: Dense;
  readonly wanted: readonly string[];
  /** Called before each run. */
  readonly before?: (done: number) => void;
}

/**
 * Runs what lies behind a layer on variants of it.
 * @param each what a run gives: tensors of so many rows, of which the first `count` are the variants from `first` on
 */
export async function varied(
  plan: Plan,
  { layer, activations, feeds, image, factors, wanted, before }: Variation,
  each: (results: Readonly<Record<string, Tensor>>, place: { first: number; count: number; rows: number }) => void,
): Promise<void> {
  const { ort, model, tensors } = plan;
  const { type, dims } = typeOf(model, tensors, layer);
  const [total = 0, ...shape] = factors.dims;
  const declared = dims[0] ?? 1;
  const rows = declared > 0 ? declared : Math.min(total, usualRows);
  const size = factors.data.length / total;
  const layout = plan.layoutOf(layer);
  await plan.behind(layer, wanted, async (tail) => {
    const copies = Object.fromEntries(
      Object.entries(feeds).map(([name, feed]) => [name, rowsOf(ort, feed, Array<number>(rows).fill(image))]),
    );
    const others = await whatElse(plan, tail.reads, copies);
    for (let first = 0; first < total; first += rows) {
      before?.(first / total);
      const count = Math.min(rows, total - first);
      // As many rows in every run: the last ones are blank.
      const data = new Float32Array(rows * size).fill(1);
      data.set(factors.data.subarray(first * size, (first + count) * size));
      const arranged = layerFactors({ data, dims: [rows, ...shape] }, layout, activations.dims);
      const fed = { [tail.activations]: activations, [tail.factors]: toTensor(ort, arranged, typeName(type)) };
      each(await run(tail.session, { ...others, ...fed }, wanted), { first, count, rows });
    }
  });
}

async function whatElse(plan: Plan, reads: readonly string[], copies: Feeds): Promise<Feeds> {
  const fed = reads.filter((name) => Object.hasOwn(copies, name));
  const made = reads.filter((name) => !Object.hasOwn(copies, name));
  const results = made.length ? await plan.fetched(made, ({ session }) => run(session, copies, made)) : {};
  return Object.fromEntries([
    ...fed.map((name) => [name, present(copies[name], "a feed")] as const),
    ...made.map((name) => [name, tensorOf(results, name)] as const),
  ]);
}
