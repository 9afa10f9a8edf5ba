/**
 * @file HiResCAM (Draelos and Carin 2020, arXiv 2011.08891), with Grad-CAM's rectifier.
 *
 *   L = ReLU( sum_k d(score)/dA_k * A_k )
 *
 * Element by element: unlike in Grad-CAM the gradient counts where it is.
 */
import { byImage, flatGrid, layerMethod } from "./layer-map.ts";
import type { LayerMap } from "./method.ts";

const hiResCamMap: LayerMap = (parts) => {
  const { build, da } = parts;
  const activations = flatGrid(parts);
  const gradients = byImage(parts, da, [build.dimOf(activations, 2)]);
  return build.relu(build.reduceSum(build.mul(gradients, build.unsqueeze(activations, [1])), [2], false));
};

export const hiResCam = layerMethod(hiResCamMap, {
  name: "hires-cam",
  title: "HiResCAM",
  summary: "What each place of a layer contributed to the score, to first order.",
  paper: "Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
});
