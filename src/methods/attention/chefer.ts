/**
 * @file The relevance of tokens by Chefer, Gur and Wolf, in the form of "Generic Attention-model Explainability" (2021, arXiv 2103.15679), equations 5 and
 * 6: without the layer-wise relevance propagation of their earlier paper (arXiv 2012.09838).
 *
 *   C_l = mean_h ReLU( dA_lh * A_lh ),   R <- R + C_l R from the identity, block by block,   L_j = R[class, j]
 *
 * R is (I + C_L) ... (I + C_1), of which only the row that is read goes back.
 */
import { attentionMethod, backwards, blocksOption, lastOf, through } from "./attention-map.ts";

export const chefer = attentionMethod(
  (options) => (parts) => {
    const { build, weights } = parts;
    const most = lastOf(options);
    const own = weights.slice(-most);
    const relevant = parts
      .gradients(most)
      .map((gradient, i) => build.reduceMean(build.relu(build.mul(gradient, own[i] ?? gradient)), [1], false));
    return backwards(parts, relevant, (shares, block, skips) => {
      const arrived = through(build, shares, block);
      return skips ? build.add(shares, arrived) : arrived;
    });
  },
  {
    name: "chefer",
    title: "Chefer Relevance",
    summary:
      "How much each patch matters to a class through all blocks of a transformer: attention times gradient, rolled out.",
    paper: "Chefer et al. 2021, https://arxiv.org/abs/2103.15679",
    cost: "a forward and a backward pass, about 2",
    options: [blocksOption("all")],
    nothing: (question) => `no attention to a patch raises the score of "${question}"`,
  },
);
