/**
 * @file Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2).
 *
 *   alpha_k = mean over the grid of d(score)/dA_k,    L = ReLU( sum_k alpha_k A_k )
 */

import { weightedSum } from "./layer-map.ts";
import { bySign, camMethod } from "./signed-maps.ts";

export const gradCamMaps = bySign((parts, part) =>
  part(weightedSum(parts, parts.build.reduceMean(parts.da, parts.grid))),
);

/** The sum before the rectifier, linear in the score. */
export const gradCamSum = gradCamMaps.signed;

export const gradCamMap = gradCamMaps.positive;

export const gradCam = camMethod(gradCamMaps, {
  name: "grad-cam",
  title: "Grad-CAM",
  summary: "Where the evidence for the class is, on the grid of a layer.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  family: "cam",
  cost: "1, and almost nothing for a further class",
});
