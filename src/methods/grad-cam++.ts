/**
 * @file Grad-CAM++ (Chattopadhay et al. 2018, arXiv 1710.11063, equations 10, 11 and 19). With the score exponentiated, as there, its
 * higher derivatives are powers of g = d(score)/dA:
 *
 *   alpha = g^2 / (2 g^2 + S g^3),  S_k = sum over the grid of A_k,    w_k = sum alpha ReLU(g),    L = ReLU( sum_k w_k A_k )
 *
 * Where g > 0 that is ReLU(g) / (2 + S g), which no small gradient rounds to 0; elsewhere it is 0. The factor exp(score), the same
 * everywhere, is left out.
 */

import { channelSums, gradientsByImage, oneWhereZero, sumOverChannels } from "./layer-map.ts";
import { bySign, camMethod } from "./signed-maps.ts";

export const gradCamPlusPlus = camMethod(
  bySign((parts, part) => {
    const { build } = parts;
    const rising = build.relu(gradientsByImage(parts));
    const denominator = build.add(build.mul(rising, channelSums(parts)), 2);
    const weights = build.reduceSum(build.div(rising, oneWhereZero(build, denominator)), [3], false);
    return part(sumOverChannels(parts, weights));
  }),
  {
    name: "grad-cam++",
    title: "Grad-CAM++",
    summary: "Where the evidence for the class is, with small and repeated objects weighted up.",
    paper: "Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
    family: "cam",
    cost: "1, and what lies behind the layer, backwards",
  },
);
