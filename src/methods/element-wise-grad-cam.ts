/**
 * @file Element-wise Grad-CAM (Gildenblat 2021, in pytorch-grad-cam).
 *
 *   L = sum_k ReLU( d(score)/dA_k * A_k )
 *
 * HiResCAM with the rectifier in front of the sum: channels that speak against the class do not cancel those that speak for it.
 */

import { flatGrid, gradientsByImage } from "./layer-map.ts";
import { camMethod, placewiseBySign } from "./signed-maps.ts";

export const elementWiseGradCam = camMethod(
  placewiseBySign((parts, part) => {
    const { build } = parts;
    const products = build.mul(gradientsByImage(parts), build.unsqueeze(flatGrid(parts), [1]));
    const shown = { ...part(products), dims: products.dims };
    return parts.gather ? parts.gather(shown) : build.reduceSum(shown, [2], false);
  }),
  {
    name: "element-wise-grad-cam",
    title: "Element-wise Grad-CAM",
    summary: "What speaks for the class at each position of a layer, whatever speaks against it there.",
    paper: "Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
    family: "cam",
    cost: "1, and what lies behind the layer, backwards",
  },
);
