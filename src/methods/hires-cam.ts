/**
 * @file HiResCAM (Draelos and Carin 2020, arXiv 2011.08891), with Grad-CAM's rectifier.
 *
 *   L = ReLU( sum_k d(score)/dA_k * A_k )
 *
 * Element by element: unlike in Grad-CAM the gradient counts where it is.
 */

import { placeByPlace } from "./layer-map.ts";
import { camMethod, placewiseBySign } from "./signed-maps.ts";

const maps = placewiseBySign((parts, part) => part(placeByPlace(parts)));

/** The sum before the rectifier. */
export const hiResCamSum = maps.signed;

export const hiResCam = camMethod(maps, {
  name: "hires-cam",
  title: "HiResCAM",
  summary: "What each position of a layer contributed to the score, to first order.",
  paper: "Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
  family: "cam",
  cost: "1, and what lies behind the layer, backwards",
});
