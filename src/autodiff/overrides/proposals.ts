/**
 * @file Proposals are held: an explanation asks why what is in a region is what it is said to be, with the region where it is. So networks of two
 * stages are trained (Ren et al. 2015, arXiv 1506.01497, section 3.2), and so PyTorch's own RoIAlign has no gradient at its regions.
 */
import { ownGradients } from "../../ops/index.ts";
import type { Rule } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";

export const proposals: Overrides = new Map<string, Rule>([
  [
    "RoiAlign",
    (call) => {
      return ownGradients({ ...call, needs: call.needs.map((needed, i) => needed && i === 0) }).slice(0, 1);
    },
  ],
]);
