/** @file Variants of a layer run through what lies behind it: the layer times factors, a row for each variant. */
import type { Dense } from "../array/dense.ts";
import { present } from "../errors.ts";
import { typeOf } from "../onnx/observe.ts";
import { type Feeds, run, type Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, toTensor } from "../onnx/tensors.ts";
import { typeName } from "../onnx/types.ts";
import { layerFactors } from "../read/layer-values.ts";
import type { Plan } from "./plan.ts";

/** Variants in one run unless it is told: enough to keep the cores busy, few enough for memory. */
export const usualRows = 32;

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
  /** In one run at most, where any number is taken. */
  readonly rows?: number;
  /** Called before each run. */
  readonly before?: (done: number) => void;
}

/**
 * Runs what lies behind a layer on variants of it.
 * @param each what a run gives: tensors of so many rows, of which the first `count` are the variants from `first` on
 */
export async function varied(
  plan: Plan,
  { layer, activations, feeds, image, factors, wanted, before, rows: most = usualRows }: Variation,
  each: (results: Readonly<Record<string, Tensor>>, place: { first: number; count: number; rows: number }) => void,
): Promise<void> {
  const { ort, model, tensors } = plan;
  const { type, dims } = typeOf(model, tensors, layer);
  const [total = 0, ...shape] = factors.dims;
  const declared = dims[0] ?? 1;
  const rows = declared > 0 ? declared : Math.min(total, most, usualRows);
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
