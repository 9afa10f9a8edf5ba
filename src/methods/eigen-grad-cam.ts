/** @file Eigen-Grad-CAM (Gildenblat 2021, in pytorch-grad-cam): Eigen-CAM of the activations times their gradients. */

import { flatGrid, gradientsByImage } from "./layer-map.ts";
import { principalComponent } from "./principal-component.ts";
import { bySign, camMethod } from "./signed-maps.ts";

export const eigenGradCam = camMethod(
  bySign((parts, part) => {
    const { build } = parts;
    const products = build.mul(gradientsByImage(parts), build.unsqueeze(flatGrid(parts), [1]));
    return part(principalComponent(build, products));
  }),
  {
    name: "eigen-grad-cam",
    title: "Eigen-Grad-CAM",
    summary:
      "What varies most among the contributions of a layer to the score: Eigen-CAM of gradient times activation.",
    paper: "Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
    family: "cam",
    cost: "1, and what lies behind the layer, backwards",
  },
);
