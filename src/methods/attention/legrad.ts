/**
 * @file LeGrad (Bousselham et al. 2024, arXiv 2404.03214): how sensitive a class is to the attention of each block, as the network's head sees the block.
 *
 *   s_l = head( mean of the tokens behind block l ),   L_j = mean_l mean_h,i ReLU( d s_l / dA_l )_h[i, j]
 *
 * Attention itself is not multiplied in. Where the head pools the tokens by an attention, it is asked about the weights of that, for the tokens of
 * each block. With `score` "head", the head takes what it takes of the last block's tokens: the class token, or its own mean.
 */
import type { AttentionMap } from "../method.ts";
import { choiceOption } from "../options.ts";
import { attentionMethod, blocksOption, lastOf } from "./attention-map.ts";

export const leGrad = attentionMethod(
  (options): AttentionMap =>
    (parts) => {
      const { build } = parts;
      const maps = parts
        .ownGradients(options.score === "mean", lastOf(options))
        .map((gradient) => build.reduceMean(build.relu(gradient), [1, 2], false));
      return build.div(build.sum(maps), maps.length);
    },
  {
    name: "legrad",
    title: "LeGrad",
    summary: "How sensitive a class is to attention to each patch, at every block of a transformer.",
    paper: "Bousselham et al. 2024, https://arxiv.org/abs/2404.03214",
    cost: "1, and the head and one block, forwards and backwards, for each block",
    options: [blocksOption("all"), { ...choiceOption("score", ["mean", "head"]), compiles: true }],
    nothing: (question) => `no attention to a patch raises the score of "${question}"`,
  },
);
