/**
 * @file XRAI (Kapishnikov et al. 2019, arXiv 1906.02825): integrated gradients, summed up over segments of the picture.
 *
 *   IG = 1/2 (IG from black + IG from white),    value of a segment = mean of max_c IG over those of its pixels that are not taken yet
 *
 * Black and white are the least and the largest value of the picture. Segments are Felzenszwalb's at six scales, each widened a little, so that
 * they overlap. The one of the largest value is taken first, then the next by its pixels that are left, until all are taken. The map has at
 * each pixel the value of the segment with which it was taken.
 */
import type { Method } from "../method.ts";
import { wholeOption } from "../options.ts";
import { batchOption } from "./options.ts";

export const xrai: Method<"xrai"> = {
  name: "xrai",
  title: "XRAI",
  summary:
    "Whole regions of the image, ranked by what their pixels add to the score on the way from black and from white.",
  paper: "Kapishnikov et al. 2019, https://arxiv.org/abs/1906.02825",
  family: "gradient",
  cost: "a forward and a backward pass for each of 2 x 32 steps, about 200",
  options: [
    { ...wholeOption("steps", 32), range: "an integer of at least 1, from black and from white each" },
    batchOption,
  ],
  space: "pixels",
  nothing: (question, negative) =>
    negative
      ? `every region lowers the score of "${question}" on the way from black and from white`
      : `no region changes the score of "${question}" on the way from black and from white`,
  explain: async (question) => (await import("./regions.ts")).byRegions(question),
};
