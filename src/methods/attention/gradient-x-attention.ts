/**
 * @file Gradient x attention: what the attention to each patch contributes to the score at one block, to first order; over several, as Grad-SAM
 * (Barkan et al. 2021, arXiv 2204.11073) does it.
 *
 *   L_j = ReLU( sum_i mean_h dA_h[i, j] A_h[i, j] ),   the mean over blocks
 */
import type { Value } from "../../onnx/build.ts";
import type { AttentionMap } from "../method.ts";
import { signOption } from "../options.ts";
import { signedPart } from "../signed-maps.ts";
import { attentionMethod, blocksOption, lastOf } from "./attention-map.ts";

export const gradientXAttention = attentionMethod(
  (options): AttentionMap =>
    (parts) => {
      const { build, weights } = parts;
      const most = lastOf(options);
      const own = weights.slice(-most);
      const contributed = parts.gradients(most).map((gradient, i): Value => {
        const products = build.mul(gradient, own[i] ?? gradient);
        return build.reduceSum(build.reduceMean(products, [1], false), [1], false);
      });
      return signedPart(build, build.div(build.sum(contributed), contributed.length), options.sign);
    },
  {
    name: "gradient-x-attention",
    title: "Gradient x Attention",
    summary:
      "What the attention to each patch contributes to the score at the last block of a transformer, to first order.",
    paper: "Barkan et al. 2021, https://arxiv.org/abs/2204.11073",
    cost: "1, and what lies behind the last attention, backwards",
    options: [signOption, blocksOption(1)],
  },
);
