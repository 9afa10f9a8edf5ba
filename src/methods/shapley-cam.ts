/**
 * @file ShapleyCAM (Cai 2025, arXiv 2501.06261): Grad-CAM's weights with the second-order term of a Taylor expansion, so that they are the
 * Shapley values of the channels as far as the score is quadratic in the layer.
 *
 *   w_k = mean over the grid of (g - H A / 2)_k,    L = ReLU( sum_k w_k A_k )
 *   g and H: gradient and Hessian at the layer A of u = y_c + log p_c, with p the softmax of the scores y
 *
 * The score y_c alone is linear in the layer behind global pooling, and H is 0. Where the classes are apart, as behind a sigmoid, p is that.
 */
import { present } from "../errors.ts";
import { weightedSum } from "./layer-map.ts";
import type { LayerMap, Method, ScoreParts } from "./method.ts";
import { bySign, camMethod } from "./signed-maps.ts";
import { ofAllButWords } from "./tasks.ts";

/** d/dy sum_c w_c (y_c + log p_c). */
function residual({ build, weights, scores, classes, before }: ScoreParts) {
  const twice = build.mul(weights, 2);
  if (before === "Sigmoid") return build.sub(twice, build.mul(weights, build.sigmoid(scores)));
  if (classes === undefined) return weights;
  const powers = build.exp(build.sub(scores, build.reduceMax(scores, [classes])));
  const p = build.div(powers, build.reduceSum(powers, [classes]));
  return build.sub(twice, build.mul(build.reduceSum(weights, [classes]), p));
}

const maps = bySign((parts, part) => {
  const { build, da, grid, curvature } = parts;
  const second = present(curvature, "the curvature")();
  return part(weightedSum(parts, build.reduceMean(build.sub(da, build.mul(second, 0.5)), grid)));
});
for (const map of Object.values(maps))
  Object.assign(map, { secondOrder: true, seed: residual } satisfies Partial<LayerMap>);

const { graph: _, ...run } = camMethod(maps, {
  name: "shapley-cam",
  title: "ShapleyCAM",
  summary: "Grad-CAM with weights that also see how the channels act together: second order in the layer.",
  paper: "Cai 2025, https://arxiv.org/abs/2501.06261",
  family: "cam",
  cost: "1, and what lies behind the layer, backwards, twice",
  tasks: ofAllButWords,
  uncompiled: "differentiates the graph of its gradient, which is known when it runs; compile grad-cam",
});

export const shapleyCam: Method<"shapley-cam"> = run;
