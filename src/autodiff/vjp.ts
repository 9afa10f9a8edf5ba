/** @file The primitive: run a model, and multiply a covector with its Jacobian. */
import { checkOptions, expects, InternalError, isRecord, isTexts } from "../errors.ts";
import { append } from "../onnx/append.ts";
import { checkFeeds, checkSeed } from "../onnx/feeds.ts";
import type { Observed } from "../onnx/observe.ts";
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
import { compileAdjoint, fetching } from "./adjoint.ts";
import type { Overrides } from "./differentiate.ts";
import { observedOn, openModel } from "./prepare.ts";
import { loadedRules, type NamedRules, overridesOf } from "./rules.ts";

export interface VjpOptions {
  /** The model's inputs. */
  readonly feeds: Feeds;
  /** Cotangents by tensor name, each of its tensor's shape; float32 also for a half-precision tensor. */
  readonly seeds: Feeds;
  /** Names of the tensors to differentiate with respect to; inner tensors too. */
  readonly wrt: readonly string[];
  /**
   * "plain" (the default), "guided" or "deconv"; "excitation", whose seeds and results are shares of a score (docs/methods/excitation-backprop.md);
   * or a table of your own: rules by operator that take the place of the built-in ones.
   */
  readonly rules?: NamedRules | Overrides;
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
  const { tensors, session, because } = await observedOn(ort, model, shapesOf(feeds), options.session);
  const names = Object.keys(seeds);
  const seeded = names.map((name) => checkSeed(model, tensors, name, seeds[name]));
  const table = overridesOf(await loadedRules(rules), session);
  const adjoint = await Promise.resolve()
    .then(() =>
      compileAdjoint({
        ...{ model, tensors, overrides: table, ends: wrt.map((tensor) => ({ tensor })) },
        seeds: (build) => {
          const inputs = seeded.map(({ type, dims }) => build.input(gradientType(type), dims));
          return { inputs, values: new Map(names.map((name, i) => [name, inputs[i]])) };
        },
      }),
    )
    .catch(async (error) => {
      const { blame } = await import("../onnx/failure.ts");
      return blame({ ort, model, options: session ?? {} }, error, shapesOf(feeds));
    });
  const extension = fetching(model, [], adjoint.extension);
  const runner = await openSession(ort, append(model.bytes, extension), session, model);
  try {
    const seedFeeds = names.map((name, i) => [adjoint.seeds[i], seeds[name]]);
    const results = await run(runner, { ...feeds, ...Object.fromEntries(seedFeeds) });
    const gradients = Object.fromEntries(wrt.map((name, i) => [name, results[adjoint.outputs[i]]]));
    for (const name of wrt) checkGradient(name, gradients[name], tensors);
    return {
      outputs: Object.fromEntries(model.outputs.flatMap((name) => (results[name] ? [[name, results[name]]] : []))),
      gradients,
      ...(because && { onProcessor: because }),
    };
  } finally {
    await runner.release();
  }
}

function checkGradient(name: string, gradient: Tensor, tensors: Observed): void {
  const want = tensors.get(name)?.dims;
  if (want && (want.length !== gradient.dims.length || want.some((d, i) => d >= 0 && d !== gradient.dims[i])))
    throw new InternalError(`the gradient of "${name}" has shape [${gradient.dims}], the tensor [${want}]`);
}
