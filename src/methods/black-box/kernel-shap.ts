/**
 * @file KernelSHAP (Lundberg and Lee 2017, arXiv 1705.07874, theorem 2): Shapley values of superpixels, by a weighted linear fit.
 *
 *   phi = argmin sum_z pi(z) (y(z) - y(0) - z phi)^2   with   sum_j phi_j = y(1) - y(0),    pi(z) = (M - 1) / (C(M, |z|) |z| (M - |z|))
 *
 * Where there are no more subsets of the M superpixels than samples, all of them are taken, and the values are exact. Otherwise subsets are
 * drawn by pi, each with its complement, and count alike.
 */
import type { Method } from "../method.ts";
import { wholeOption } from "../options.ts";
import { maskBatchOption, noSuperpixel, seedOption, superpixelOptions } from "./options.ts";

export const kernelShap: Method<"kernel-shap"> = {
  name: "kernel-shap",
  title: "KernelSHAP",
  summary:
    "What each superpixel adds to the score: an estimate of Shapley values, which sum to the difference from a blank image.",
  paper: "Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874",
  family: "black-box",
  cost: "one for each of 1000 samples, for all classes together",
  options: [
    { ...wholeOption("samples", 1000, 2), range: "an integer of at least 2, and of as many as there are superpixels" },
    ...superpixelOptions,
    seedOption,
    maskBatchOption,
  ],
  space: "pixels",
  blackBox: true,
  nothing: noSuperpixel,
  explain: async (question) => (await import("./superpixel-fits.ts")).kernelShapOf(question),
};
