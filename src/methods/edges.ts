/**
 * @file Edges (after Adebayo et al. 2018, arXiv 1810.03292): a control. How steep the picture is at each pixel; the network is not asked.
 *
 *   L = sqrt( sum over axes a of (S_a x)^2 ),    S_a the Sobel operator along a,    x the mean of the channels
 *
 * Beyond its border the picture goes on as it ends. A method whose maps look like these may show the picture, not what the network makes of it.
 */
import type { Method } from "./method.ts";

export const edges: Method<"edges"> = {
  name: "edges",
  title: "Edges",
  summary: "The edges of the image, whatever the network: a control that other maps should not resemble.",
  paper: "Adebayo et al. 2018, https://arxiv.org/abs/1810.03292",
  family: "control",
  cost: "none: the network is not asked",
  space: "pixels",
  blackBox: true,
  classIndependent: true,
  uncompiled: "asks the network nothing, a compiled model answers for it",
  nothing: () => "the image is the same everywhere",
  explain: async (question) => (await import("./sobel.ts")).edgesOf(question),
};
