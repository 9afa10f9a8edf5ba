/** @file The plain gradient of the score with respect to the pixels (Simonyan et al. 2014, arXiv 1312.6034). */
import { inputGradient } from "./pixels.ts";

export const gradient = inputGradient("plain", {
  name: "gradient",
  title: "Gradient",
  summary: "Which pixels the score is most sensitive to, for this image.",
  paper: "Simonyan et al. 2014, https://arxiv.org/abs/1312.6034",
  family: "gradient",
  cost: "a forward and a backward pass, about 3",
  nothing: (question) => `the gradient of the score of "${question}" is 0 at every pixel`,
});
