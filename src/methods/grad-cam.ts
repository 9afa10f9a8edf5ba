/**
 * @file Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2).
 *
 *   alpha_k = mean over the grid of d(score)/dA_k,    L = ReLU( sum_k alpha_k A_k )
 */
import { byImage, flatGrid, layerMethod } from "./layer-map.ts";
import type { LayerMap } from "./method.ts";

/** The sum before the rectifier, linear in the score. It is a matrix product of [n, k, C] weights with [n, C, positions] activations: no [m, C, ...grid] is ever made. */
export const gradCamSum: LayerMap = (parts) => {
  const { build, da, grid } = parts;
  const weights = byImage(parts, build.reduceMean(da, grid));
  return build.matMul(weights, flatGrid(parts));
};

export const gradCamMap: LayerMap = (parts) => parts.build.relu(gradCamSum(parts));

export const gradCam = layerMethod(gradCamMap, {
  name: "grad-cam",
  title: "Grad-CAM",
  summary: "Where the evidence for the class is, on the grid of a layer.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
});
