/** @file The primitive: run a model, and multiply a covector with its Jacobian. */
import { checkOptions, expects, InternalError, isRecord, isTexts } from "../errors.ts";
import { needAlias } from "../onnx/alias.ts";
import { append } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { checkFeeds, checkSeed } from "../onnx/feeds.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, observe } from "../onnx/observe.ts";
import { makeValueInfo } from "../onnx/proto.ts";
import { placed } from "../onnx/provider.ts";
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
import { loadOperatorsOf } from "../ops/index.ts";
import { differentiate, type Overrides } from "./differentiate.ts";
import { openModel } from "./prepare.ts";
import { overridesOf, type Rules } from "./rules.ts";

export interface VjpOptions {
  /** The model's inputs. */
  readonly feeds: Feeds;
  /** Cotangents by tensor name, each of its tensor's shape; float32 also for a half-precision tensor. */
  readonly seeds: Feeds;
  /** Names of the tensors to differentiate with respect to; inner tensors too. */
  readonly wrt: readonly string[];
  /** "plain" (the default), "guided" or "deconv", or a table of your own: rules by operator that take the place of the built-in ones. */
  readonly rules?: Rules | Overrides;
  readonly session?: SessionOptions;
}

export interface VjpResult {
  /** The model's outputs. */
  readonly outputs: Record<string, Tensor>;
  /** By name in `wrt`: the gradient, of the tensor's shape; float32 for half precision. */
  readonly gradients: Record<string, Tensor>;
  /** Why it ran on the processor, where WebGPU was asked for and cannot run the model. */
  readonly onProcessor?: string;
}

/**
 * Runs a model on `feeds` and returns d( sum_o <seeds[o], o> ) / d(t) for every tensor t in `wrt`.
 * No softmax is skipped: what is seeded is what is differentiated.
 * @param bytes the ONNX file's.
 * @throws UserError when the model, a name or a shape is wrong, or an operator on the way has no gradient rule.
 */
export async function vjp(ort: Runtime, bytes: Uint8Array, options: VjpOptions): Promise<VjpResult> {
  checkOptions<VjpOptions>(options, { feeds: true, seeds: true, wrt: true, rules: true, session: true }, "vjp");
  const { feeds, seeds, wrt, rules = "plain" } = options;
  const model = await openModel(bytes);
  checkFeeds(model, feeds);
  expects(isRecord(seeds), "seeds", seeds, "an object with a tensor for each that is seeded");
  expects(isTexts(wrt), "wrt", wrt, "a list of names of tensors");
  await loadOperatorsOf(model.graph);
  const tensors = await observe(ort, model, shapesOf(feeds), options.session);
  const { session, because } = await placed(ort, model, tensors, options.session);
  const build = new Builder(model.opset, freshPrefix(model));
  const seedValues = new Map(
    Object.entries(seeds).map(([name, seed]) => [name, seedValue(model, build, tensors, name, seed)]),
  );
  const sweep = { build, seeds: seedValues, wrt, overrides: overridesOf(rules, session) };
  const gradients = await Promise.resolve()
    .then(() => differentiate(model, tensors, sweep))
    .catch(async (error) => {
      const { blame } = await import("../onnx/failure.ts");
      return blame({ ort, model, options: session ?? {} }, error, shapesOf(feeds));
    });
  // An output may not be an input itself: a tensor that is seeded and asked for passes through an Identity.
  const isSeed = new Set([...seedValues.values()].map(({ name }) => name));
  const named = new Map([...gradients].map(([name, g]) => [name, isSeed.has(g.name) ? build.op("Identity", [g]) : g]));

  const extension = {
    ...build.collect(named.values()),
    inputs: [...seedValues.values()].map(({ name, type, dims }) => makeValueInfo(name, type, dims)),
    outputs: [...new Set([...named.values()].map(({ name }) => name)), ...needAlias(model.outputs)].map((name) =>
      makeValueInfo(name),
    ),
  };
  const runner = await openSession(ort, append(model.bytes, extension), session, model);
  try {
    const seedFeeds = [...seedValues].map(([name, value]) => [value.name, seeds[name]]);
    const results = await run(runner, { ...feeds, ...Object.fromEntries(seedFeeds) });
    for (const [name, value] of named) checkGradient(name, results[value.name], tensors);
    return {
      outputs: Object.fromEntries(model.outputs.flatMap((name) => (results[name] ? [[name, results[name]]] : []))),
      gradients: Object.fromEntries([...named].map(([name, value]) => [name, results[value.name]])),
      ...(because && { onProcessor: because }),
    };
  } finally {
    await runner.release();
  }
}

function seedValue(model: Model, build: Builder, tensors: Observed, name: string, seed: Tensor): Value {
  const { type, dims } = checkSeed(model, tensors, name, seed);
  return build.input(gradientType(type), dims);
}

function checkGradient(name: string, gradient: Tensor, tensors: Observed): void {
  const want = tensors.get(name)?.dims;
  if (want && (want.length !== gradient.dims.length || want.some((d, i) => d >= 0 && d !== gradient.dims[i])))
    throw new InternalError(`the gradient of "${name}" has shape [${gradient.dims}], the tensor [${want}]`);
}
