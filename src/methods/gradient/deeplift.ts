/**
 * @file DeepLIFT (Shrikumar et al. 2017, arXiv 1704.02685) by its rescale rule: what each value adds to the score, compared with a baseline x'.
 *
 *   R = m * (x - x'),    m by the chain rule of differences: (y - y') / (x - x') in place of each activation's derivative
 *
 * Complete where the network is linear but for activations, maxima and products: the values of all pixels sum to y(x) - y(x').
 */
import type { Method } from "../method.ts";
import { ofAllButWords } from "../tasks.ts";
import { baselineOption } from "./options.ts";

export const deepLift: Method<"deeplift"> = {
  name: "deeplift",
  title: "DeepLIFT",
  summary:
    "What each pixel adds to the score compared with a blank image, through finite differences of all activations.",
  paper: "Shrikumar et al. 2017, https://arxiv.org/abs/1704.02685",
  family: "gradient",
  cost: "a forward and a backward pass of two images, about 6",
  options: [baselineOption],
  tasks: ofAllButWords,
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" compared with the blank image`,
  explain: async (question) => (await import("./differences.ts")).timesMultipliers(question),
};
