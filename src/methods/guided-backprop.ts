/** @file Guided backpropagation: the gradient at the pixels with only positive gradients let through rectifiers. */
import { inputGradient } from "./pixels.ts";

export const guidedBackprop = inputGradient("guided", {
  name: "guided-backprop",
  title: "Guided Backpropagation",
  summary:
    "Fine structure that excites the network. Hardly depends on the class: fails the sanity checks of Adebayo et al. 2018.",
  paper: "Springenberg et al. 2015, https://arxiv.org/abs/1412.6806",
  family: "gradient",
  cost: "a forward and a backward pass, about 3",
  classIndependent: true,
});
