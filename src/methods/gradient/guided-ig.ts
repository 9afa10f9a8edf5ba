/**
 * @file Guided IG (Kapishnikov et al. 2021, arXiv 2106.09788, algorithm 1): integrated gradients on a path that changes the pixels of the
 * smallest gradients first, and so keeps away from the noise of steep places.
 *
 * At each of T steps the path comes 1/T nearer to the picture, in the sum of absolute differences. It moves the quarter of the pixels whose
 * gradients are smallest, and no pixel further than 2 % of its way ahead of the straight path, or behind it.
 */
import type { Method } from "../method.ts";
import { baselineOption, stepsOption } from "./options.ts";

export const guidedIg: Method<"guided-ig"> = {
  name: "guided-ig",
  title: "Guided IG",
  summary: "Integrated gradients on a path that avoids steep places of the network, and so much of their noise.",
  paper: "Kapishnikov et al. 2021, https://arxiv.org/abs/2106.09788",
  family: "gradient",
  cost: "a forward and a backward pass for each of 64 steps, one after the other, about 200",
  options: [stepsOption, baselineOption],
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" on the way from the blank image`,
  explain: async (question) => (await import("./guided-path.ts")).alongGuidedPaths(question),
};
