/**
 * @file The one compiler of adjoints: from what is seeded and where a gradient is wanted to what is added to a model, or runs beside it.
 *
 *   seeds (classes, cotangents, rows of weights, words)  ->  the reverse sweep  ->  ends (a gradient, or a map made of it)
 */
import { needAlias } from "../onnx/alias.ts";
import type { Extension } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { readsOf } from "../onnx/extract.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, typeOf } from "../onnx/observe.ts";
import { infoOf, makeValueInfo } from "../onnx/proto.ts";
import { differentiate, type Overrides } from "./differentiate.ts";
import { madeOnce, type Once } from "./once.ts";
import { RowBuilder } from "./row-builder.ts";

/** A model whose tensors have been observed. */
export interface ObservedModel {
  readonly model: Model;
  readonly tensors: Observed;
}

/** Where an adjoint ends. */
export interface End {
  /** The tensor whose gradient is taken. */
  readonly tensor: string;
  /** What is made of the tensor, as the forward pass has it, and of its gradient; the gradient itself by default. */
  readonly make?: (build: Builder, tensor: Value, gradient: Value, curvature?: () => Value) => Value;
}

/** Differentiates gradients again, along directions: second-order.ts, which few ask for. */
export type Again = (
  build: Builder,
  model: ObservedModel,
  along: readonly (readonly [gradient: Value, direction: Value])[],
  wrt: readonly string[],
  overrides?: Overrides,
) => Map<string, Value>;

/** Cotangents by tensor, and the inputs that the caller feeds for them. */
export interface Seeds {
  readonly inputs: readonly Value[];
  readonly values: ReadonlyMap<string, Value>;
}

/** What is written of seeded tensors where it is more than a value at each end. */
export type Written = (build: Builder, seeds: ReadonlyMap<string, Value>) => readonly Value[];

export interface AdjointQuery extends ObservedModel {
  /** Writes the seeds. What it gives to `rowed`, and all that comes of it, has a row for each question; see `rows`. */
  readonly seeds: (build: Builder, rowed: (seed: Value) => Value) => Seeds;
  readonly ends: readonly End[] | Written;
  readonly overrides?: Overrides;
  /** Where an end is made of the Hessian of what is seeded, too: it is then told the Hessian times its tensor. */
  readonly again?: Again;
  /** Whether seeds have rows of their own against one picture (row-builder.ts), rather than one for each picture of the batch. */
  readonly rows?: boolean;
  /** Whether it is asked many questions of one forward pass: what is the same for all of them is then made apart, unless they are rows of one run. */
  readonly often?: boolean;
}

/** A compiled adjoint. */
export interface Adjoint {
  /** Its nodes and constants, the inputs of its seeds, and an output for each end. */
  readonly extension: Extension;
  /** The names of what is fed, in the order of the seeds' inputs. */
  readonly seeds: readonly string[];
  /** The names of what comes out, in the order of the ends. */
  readonly outputs: readonly string[];
  /** The tensors of the forward pass that it reads. */
  readonly residuals: readonly string[];
  /** Of an adjoint in rows: whether one run keeps any number of them apart. */
  readonly together: boolean;
  /** What is made in advance of the forward pass, and is then among the residuals. */
  readonly once?: Once;
}

/** @throws UserError `unsupported-operator` naming a node without a rule, `no-path` for an end that no seed depends on. */
export function compileAdjoint({
  model,
  tensors,
  seeds,
  ends,
  overrides,
  again,
  rows = false,
  often = false,
}: AdjointQuery): Adjoint {
  const prefix = freshPrefix(model);
  const build = rows ? new RowBuilder(model.opset, prefix) : new Builder(model.opset, prefix);
  const { inputs, values } = seeds(build, (seed) => (build instanceof RowBuilder ? build.asRows(seed) : seed));
  const results =
    typeof ends === "function"
      ? ends(build, values)
      : pullback(build, { model, tensors }, values, ends, overrides, again);
  // An output may be no input: a gradient that is its seed passes through a node.
  const fed = new Set(inputs.map(({ name }) => name));
  const outputs = results.map((value) => (fed.has(value.name) ? build.op("Identity", [value]) : value));
  const extension: Extension = {
    ...build.collect(outputs),
    inputs: inputs.map(infoOf),
    outputs: [...new Set(outputs.map(({ name }) => name))].map((name) => makeValueInfo(name)),
  };
  const { residuals } = readsOf(model, extension);
  // Against the one row of a picture any number of rows broadcast; where its windows are as many rows, they do not.
  const isOneRow = (name: string) => !tensors.get(name)?.folded;
  const named = { seeds: inputs.map(({ name }) => name), outputs: outputs.map(({ name }) => name) };
  const together = build instanceof RowBuilder && build.together(outputs) && residuals.every(isOneRow);
  const apart = often && !together ? madeOnce(model, extension, named.seeds, build.made) : undefined;
  if (!apart) return { ...named, extension, residuals, together };
  return {
    ...named,
    together,
    extension: apart.each,
    residuals: readsOf(model, apart.each).residuals,
    once: apart.once,
  };
}

/** The reverse sweep, in a graph that is being written: what is made of the gradient at each end. */
export function pullback(
  build: Builder,
  { model, tensors }: ObservedModel,
  seeds: ReadonlyMap<string, Value>,
  ends: readonly End[],
  overrides?: Overrides,
  again?: Again,
): Value[] {
  const wrt = ends.map(({ tensor }) => tensor);
  const found = differentiate(model, tensors, { build, seeds, wrt, overrides });
  return ends.map(({ tensor, make }) => {
    const gradient = found.get(tensor) as Value;
    if (!make) return gradient;
    const value = { name: tensor, ...typeOf(model, tensors, tensor) };
    const along = () => [[gradient, build.cast(value, gradient.type)] as const];
    const curvature =
      again && (() => again(build, { model, tensors }, along(), [tensor], overrides).get(tensor) as Value);
    return make(build, value, gradient, curvature);
  });
}

const nothing: Extension = { nodes: [], initializers: [], inputs: [], outputs: [] };

/** The model's own tensors as further outputs, before what else is added. */
export function fetching(
  { outputs, producer }: Model,
  names: Iterable<string>,
  extension: Extension = nothing,
): Extension {
  const more = [...new Set(names)].filter((name) => !outputs.includes(name) && producer.has(name));
  const added = [...more, ...needAlias(outputs)].map((name) => makeValueInfo(name));
  return { ...extension, outputs: [...added, ...extension.outputs] };
}
