/**
 * @file A map at every layer of a network in one run: the forward pass, one sweep back, and a map wherever the sweep comes by.
 * Asked one by one, each layer would need sessions of its own.
 */

import type { Dense } from "../array/dense.ts";
import { type Adjoint, compileAdjoint } from "../autodiff/adjoint.ts";
import { overridesOf } from "../autodiff/rules.ts";
import { present } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import type { LayerMap } from "../methods/method.ts";
import { type Runtime, run } from "../onnx/runtime.ts";
import { tensorOf, toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain } from "../read/axes.ts";
import type { Layer } from "../read/layers.ts";
import { layerEnd } from "../read/layout.ts";
import { type AdjointSession, hasNoRule, openTogether } from "./adjoint-session.ts";
import type { Explainer } from "./explainer.ts";
import type { Forward } from "./forward.ts";
import { tensorSeeds } from "./seeds.ts";
import { runBytes } from "./sizes.ts";
import { cotangents, resolve, type Target } from "./target.ts";

/** One class, or a contrast. */
export type SingleTarget = Extract<Target, number | { for: number } | { counterfactual: number }>;

export class EveryLayer {
  private constructor(
    private readonly ort: Runtime,
    private readonly explainer: Explainer,
    private readonly adjoint: Adjoint,
    /** The layers that have a map, in the explainer's order. */
    readonly layers: readonly Layer[],
  ) {}

  /**
   * @param map what is made of a layer and its gradient; Grad-CAM by default
   * @throws UserError where no layer has a gradient, with the first reason.
   */
  static async open(ort: Runtime, explainer: Explainer, map: LayerMap = gradCamMap): Promise<EveryLayer> {
    const { layers, adjoint } = deepest(explainer, map);
    const every = new EveryLayer(ort, explainer, adjoint, layers);
    await every.#use(async () => undefined);
    return every;
  }

  /** A raw map for each layer, [n, ...grid], of a pass; `target` as everywhere, but for one question about each image. */
  async explain({ feeds, scores }: Forward, target: SingleTarget): Promise<Dense[]> {
    const { rows = [] } = await resolve(target, scores.dims, async () => []);
    const seed = toTensor(this.ort, fromPlain(cotangents(rows, scores.dims), this.explainer.score.axes));
    const { seeds, outputs } = this.adjoint;
    const fed = { ...feeds, [present(seeds[0], "a seed")]: seed };
    const results = await this.#use(({ session }) => run(session, fed, outputs));
    return outputs.map((name) => toDense(tensorOf(results, name)));
  }

  /** Closes its session, once nobody uses it. */
  release(): Promise<void> {
    return this.explainer.sessions.retire([this]);
  }

  #use<R>(work: (owned: AdjointSession) => Promise<R>): Promise<R> {
    const { model, tensors, session = {}, sessions } = this.explainer;
    const bytes = model.bytes.length + 2 * runBytes(tensors);
    const open = () => openTogether(this.ort, model, this.adjoint, session);
    return sessions.use({ key: [this], bytes, open }, work);
  }
}

/** As many layers as there are rules for: from the score back to the first operator without one. */
function deepest(explainer: Explainer, map: LayerMap) {
  const { layers } = explainer;
  let [reached, refused, tried] = [-1, layers.length + 1, layers.length];
  let best: ReturnType<typeof adjointAt> | undefined;
  let reason: unknown;
  for (; refused - reached > 1; tried = (reached + refused) >> 1)
    try {
      best = adjointAt(explainer, layers.slice(0, tried), map);
      reached = tried;
    } catch (error) {
      if (!hasNoRule(error)) throw error;
      reason ??= error;
      refused = tried;
    }
  if (!best || (reason && best.layers.length === 0)) throw reason;
  return best;
}

function adjointAt(explainer: Explainer, layers: readonly Layer[], map: LayerMap) {
  const { model, tensors, score, session, layoutOf } = explainer;
  const ends = layers.map(({ name }) => layerEnd(name, layoutOf(name), map));
  const seeds = tensorSeeds({ model, tensors }, [score.name]);
  return { layers, adjoint: compileAdjoint({ model, tensors, seeds, ends, overrides: overridesOf("plain", session) }) };
}
