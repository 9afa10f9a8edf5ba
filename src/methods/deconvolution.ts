/** @file Deconvolution: the gradient at the pixels with rectifiers applied to the gradient alone. */
import { inputGradient } from "./pixels.ts";

export const deconvolution = inputGradient("deconv", {
  name: "deconvolution",
  title: "Deconvolution",
  summary: "Structure that could have excited the network, without the rectifiers' forward masks.",
  classIndependent: true,
  paper: "Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901",
  family: "gradient",
  cost: "a forward and a backward pass, about 3",
});
