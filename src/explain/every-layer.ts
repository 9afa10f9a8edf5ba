/**
 * @file Grad-CAM at every layer of a network in one run: the forward pass, one sweep back, and a map wherever the sweep comes by.
 * Asked one by one, each layer would need sessions of its own.
 */

import type { Dense } from "../array/dense.ts";
import { differentiate, type Overrides } from "../autodiff/differentiate.ts";
import { overridesOf } from "../autodiff/rules.ts";
import { UserError } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import { type Extension, openExtended } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { isStatic } from "../onnx/dims.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { makeValueInfo } from "../onnx/proto.ts";
import { type Runtime, run, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { toDense, toTensor } from "../onnx/tensors.ts";
import { gradientType } from "../onnx/types.ts";
import { type Axes, fromPlain } from "../read/axes.ts";
import type { Layer } from "../read/layers.ts";
import { layerParts } from "../read/layout.ts";
import type { Explainer } from "./explainer.ts";
import type { Forward } from "./forward.ts";
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
    const { layers, seed, extension } = deepest(explainer, overridesOf("plain", options));
    const session = await openExtended(ort, explainer.model.bytes, extension, options);
    const outputs = extension.outputs.map(({ name }) => name);
    return new EveryLayer(ort, session, seed, layers, outputs, explainer.score.axes);
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
  const build = new Builder(model.opset, freshPrefix(model));
  const scores = typeOf(model, tensors, score.name);
  const seed = build.input(gradientType(scores.type), scores.dims);
  const wrt = layers.map(({ name }) => name);
  const gradients = differentiate(model, tensors, { build, seeds: new Map([[score.name, seed]]), wrt, overrides });
  const maps = wrt.map((name) => {
    const { type, dims } = typeOf(model, tensors, name);
    const layout = layoutOf(name);
    const parts = layerParts(build, { name, type, dims }, gradients.get(name) as Value, layout);
    const shape = isStatic(layout.grid)
      ? [-1, ...layout.grid]
      : build.concat(
          [0, ...parts.grid].map((axis) => build.dimOf(parts.a, axis)),
          0,
        );
    return build.reshape(gradCamMap(parts), shape);
  });
  const named = scores.dims.map((d, i) => (d < 0 ? `${seed.name}:${i}` : d));
  const extension: Extension = {
    ...build.collect(maps),
    inputs: [makeValueInfo(seed.name, seed.type, named)],
    outputs: maps.map(({ name }) => makeValueInfo(name)),
  };
  return { layers, seed: seed.name, extension };
}
