/** @file The primitive of second order: run a model, and multiply the Hessian of what is seeded with a direction. */
import { checkOptions, expects, isRecord, isTexts, present } from "../errors.ts";
import { append } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { checkFeeds, checkSeed } from "../onnx/feeds.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { infoOf, makeValueInfo } from "../onnx/proto.ts";
import {
  type Feeds,
  openSession,
  type Runtime,
  run,
  type SessionOptions,
  shapesOf,
  type Tensor,
} from "../onnx/runtime.ts";
import { gradientType } from "../onnx/types.ts";
import { loadOperators } from "../ops/index.ts";
import { fetching } from "./adjoint.ts";
import { differentiate } from "./differentiate.ts";
import { observedOn, openModel } from "./prepare.ts";
import { overridesOf } from "./rules.ts";

export interface HvpOptions {
  /** The model's inputs. */
  readonly feeds: Feeds;
  /** Cotangents by tensor name, as those of `vjp`. */
  readonly seeds: Feeds;
  /** Directions by tensor name, each of its tensor's shape: inputs, inner tensors or weights. */
  readonly directions: Feeds;
  /** Names of the tensors to differentiate the gradients with respect to; by default those of the directions. */
  readonly wrt?: readonly string[];
  readonly session?: SessionOptions;
}

export interface HvpResult {
  /** The model's outputs. */
  readonly outputs: Record<string, Tensor>;
  /** By name in `directions`: the gradient. */
  readonly gradients: Record<string, Tensor>;
  /** By name in `wrt`: the product of the Hessian with the directions, of the tensor's shape. */
  readonly products: Record<string, Tensor>;
}

/**
 * Runs a model on `feeds`, and returns the gradients g_t of sum_o <seeds[o], o> and d( sum_t <g_t, directions[t]> ) / d(w) for every w in `wrt`.
 * @param bytes the ONNX file's.
 * @throws UserError when the model, a name or a shape is wrong, or an operator on the way has no gradient rule.
 */
export async function hvp(ort: Runtime, bytes: Uint8Array, options: HvpOptions): Promise<HvpResult> {
  checkOptions<HvpOptions>(options, { feeds: true, seeds: true, directions: true, wrt: true, session: true }, "hvp");
  const { feeds, seeds, directions } = options;
  expects(isRecord(seeds), "seeds", seeds, "an object with a tensor for each that is seeded");
  expects(isRecord(directions), "directions", directions, "an object with a tensor for each direction");
  const along = Object.keys(directions);
  const { wrt = along } = options;
  expects(isTexts(wrt), "wrt", wrt, "a list of names of tensors");
  const model = await openModel(bytes);
  checkFeeds(model, feeds);
  const { tensors, session } = await observedOn(ort, model, shapesOf(feeds), options.session);
  // The graph of a gradient has operators of its own.
  const [{ differentiateAgain }] = await Promise.all([import("./second-order.ts"), loadOperators()]);
  const build = new Builder(model.opset, freshPrefix(model));
  const fed = {
    seeds: inputsOf(build, model, tensors, seeds, "seed"),
    directions: inputsOf(build, model, tensors, directions, "direction"),
  };
  const overrides = overridesOf("plain", session);
  const found = differentiate(model, tensors, { build, seeds: fed.seeds, wrt: along, overrides });
  const gradients = along.map((name) => present(found.get(name), "a gradient"));
  const pairs = along.map((name, i) => [gradients[i], present(fed.directions.get(name), "a direction")] as const);
  const products = differentiateAgain(build, { model, tensors }, pairs, wrt, overrides);
  // Outputs are tensors of nodes: a gradient that is its seed passes through one.
  const named = (value: Value): Value => build.op("Identity", [value]);
  const results = {
    gradients: gradients.map(named),
    products: wrt.map((name) => named(present(products.get(name), "a product"))),
  };
  const outputs = [...results.gradients, ...results.products];
  const inputs = [...fed.seeds.values(), ...fed.directions.values()];
  const extension = fetching(model, [], {
    ...build.collect(outputs),
    inputs: inputs.map(infoOf),
    outputs: [...new Set(outputs.map(({ name }) => name))].map((name) => makeValueInfo(name)),
  });
  const runner = await openSession(ort, append(model.bytes, extension), session, model);
  try {
    const given = [...Object.values(seeds), ...Object.values(directions)];
    const answers = await run(runner, {
      ...feeds,
      ...Object.fromEntries(inputs.map(({ name }, i) => [name, given[i]])),
    });
    const named = (names: readonly string[], values: readonly Value[]) =>
      Object.fromEntries(names.map((name, i) => [name, present(answers[values[i].name], "a result")]));
    return {
      outputs: Object.fromEntries(model.outputs.flatMap((name) => (answers[name] ? [[name, answers[name]]] : []))),
      gradients: named(along, results.gradients),
      products: named(wrt, results.products),
    };
  } finally {
    await runner.release();
  }
}

/** Inputs of the graph for tensors that are given, in the shapes of the model's. */
function inputsOf(build: Builder, model: Model, tensors: Observed, given: Feeds, what: string): Map<string, Value> {
  return new Map(
    Object.entries(given).map(([name, tensor]) => {
      const { type, dims } = checkSeed(model, tensors, name, tensor, what);
      return [name, build.input(gradientType(type), dims)];
    }),
  );
}
