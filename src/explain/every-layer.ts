/**
 * @file Grad-CAM at every layer of a network in one run: the forward pass, one sweep back, and a map wherever the sweep comes by.
 * Asked one by one, each layer would need sessions of its own.
 */

import type { Dense } from "../array/dense.ts";
import { compileAdjoint } from "../autodiff/adjoint.ts";
import type { Overrides } from "../autodiff/differentiate.ts";
import { overridesOf } from "../autodiff/rules.ts";
import { UserError } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import { openExtended } from "../onnx/append.ts";
import { type Runtime, run, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { toDense, toTensor } from "../onnx/tensors.ts";
import { type Axes, fromPlain } from "../read/axes.ts";
import type { Layer } from "../read/layers.ts";
import { layerEnd } from "../read/layout.ts";
import type { Explainer } from "./explainer.ts";
import type { Forward } from "./forward.ts";
import { tensorSeeds } from "./seeds.ts";
import { cotangents, resolve, type Target } from "./target.ts";

/** One class, or a contrast. */
export type SingleTarget = Extract<Target, number | { for: number } | { counterfactual: number }>;

export class EveryLayer {
  private constructor(
    private readonly ort: Runtime,
    private readonly session: Session,
    /** The name of the input that takes the cotangent of the scores. */
    private readonly seed: string,
    /** The layers that have a map, in the explainer's order. */
    readonly layers: readonly Layer[],
    private readonly outputs: readonly string[],
    private readonly axes: Axes,
  ) {}

  /** @throws UserError where no layer has a gradient, with the first reason. */
  static async open(
    ort: Runtime,
    explainer: Explainer,
    options: SessionOptions = explainer.session ?? {},
  ): Promise<EveryLayer> {
    const { layers, extension, seeds, outputs } = deepest(explainer, overridesOf("plain", options));
    const session = await openExtended(ort, explainer.model.bytes, extension, options);
    return new EveryLayer(ort, session, seeds[0], layers, outputs, explainer.score.axes);
  }

  /** A raw map for each layer, [n, ...grid], of a pass; `target` as everywhere, but for one question about each image. */
  async explain({ feeds, scores }: Forward, target: SingleTarget): Promise<Dense[]> {
    const { rows = [] } = await resolve(target, scores.dims, async () => []);
    const seed = toTensor(this.ort, fromPlain(cotangents(rows, scores.dims), this.axes));
    const results = await run(this.session, { ...feeds, [this.seed]: seed }, this.outputs);
    return this.outputs.map((name) => toDense(results[name]));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

/** As many layers as there are rules for: from the score back to the first operator without one. */
function deepest(explainer: Explainer, overrides: Overrides) {
  const whole = attempt(explainer, explainer.layers, overrides);
  if (!(whole instanceof UserError)) return whole;
  let [reached, refused] = [0, explainer.layers.length];
  let best: ReturnType<typeof graph> | undefined;
  while (refused - reached > 1) {
    const middle = (reached + refused) >> 1;
    const made = attempt(explainer, explainer.layers.slice(0, middle), overrides);
    if (made instanceof UserError) refused = middle;
    else [reached, best] = [middle, made];
  }
  if (!best) throw whole;
  return best;
}

function attempt(explainer: Explainer, layers: readonly Layer[], overrides: Overrides) {
  try {
    return graph(explainer, layers, overrides);
  } catch (error) {
    if (error instanceof UserError && error.code === "unsupported-operator") return error;
    throw error;
  }
}

function graph({ model, tensors, score, layoutOf }: Explainer, layers: readonly Layer[], overrides: Overrides) {
  const ends = layers.map(({ name }) => layerEnd(name, layoutOf(name), gradCamMap));
  const seeds = tensorSeeds({ model, tensors }, [score.name]);
  return { layers, ...compileAdjoint({ model, tensors, seeds, ends, overrides }) };
}
