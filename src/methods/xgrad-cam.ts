/**
 * @file XGrad-CAM (Fu et al. 2020, arXiv 2008.02312, equation 8).
 *
 *   w_k = sum over the grid of g_k A_k / sum over the grid of A_k,    L = ReLU( sum_k w_k A_k )
 *
 * The mean of the gradient, weighted by the activations. A channel that sums to 0 has the weight 0.
 */

import { channelSums, flatGrid, gradientsByImage, oneWhereZero, sumOverChannels } from "./layer-map.ts";
import { bySign, camMethod } from "./signed-maps.ts";

export const xgradCam = camMethod(
  bySign((parts, part) => {
    const { build } = parts;
    const sums = channelSums(parts);
    const products = build.mul(gradientsByImage(parts), build.unsqueeze(flatGrid(parts), [1]));
    const totals = build.reduceSum(products, [3]);
    const means = build.where(build.equal(sums, 0), 0, build.div(totals, oneWhereZero(build, sums)));
    return part(sumOverChannels(parts, build.squeeze(means, [3])));
  }),
  {
    name: "xgrad-cam",
    title: "XGrad-CAM",
    summary: "Where the evidence for the class is, each channel weighted by its gradient where it is active.",
    paper: "Fu et al. 2020, https://arxiv.org/abs/2008.02312",
    family: "cam",
    cost: "1, and what lies behind the layer, backwards",
  },
);
