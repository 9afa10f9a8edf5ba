/**
 * @file Raw attention (as Caron et al. 2021, arXiv 2104.14294, show it): how much of each token the class token takes in at one block.
 *
 *   L_j = mean_h A_h[class, j]
 *
 * In a network that averages its patches in place of a class token, the mean over the patches; where an attention pools them, its own queries.
 */
import { UserError } from "../../errors.ts";
import type { AttentionParts, MethodOption } from "../method.ts";
import { attentionMethod, type Fusion, flat, fused, headsOption, ofAttentionsAlone, through } from "./attention-map.ts";

const blockOption: MethodOption = {
  ...{ name: "block", default: -1, compiles: true },
  range: "an integer: 0 is the first block, -1 the last",
  fits: (value) => Number.isSafeInteger(value),
};

/** The shares of the queries of a block in what is read; of one in front of a pooling attention all have the same. */
function sharesAt({ build, weights, pools, read, tokens }: AttentionParts, block: number) {
  const isLast = block === weights.length - 1;
  return pools && !isLast ? build.floats(Array(tokens).fill(1 / tokens), [1, 1, tokens], read.type) : read;
}

export const rawAttention = attentionMethod(
  ({ block, heads }) =>
    ofAttentionsAlone((parts) => {
      const { build, weights } = parts;
      const index = Number(block) < 0 ? weights.length + Number(block) : Number(block);
      const chosen = weights[index];
      if (!chosen)
        throw new UserError(
          "invalid-option",
          `invalid option block of attention: ${block}; the model has ${weights.length} blocks: allowed are ${-weights.length} to ${weights.length - 1}`,
        );
      return flat(build, through(build, sharesAt(parts, index), fused(build, chosen, heads as Fusion)));
    }),
  {
    name: "attention",
    title: "Attention",
    summary: "How much of each patch the class token takes in at one block of a transformer, whatever the class.",
    paper: "Caron et al. 2021, https://arxiv.org/abs/2104.14294",
    cost: "1, for all classes together",
    options: [headsOption, blockOption],
    classIndependent: true,
  },
);
