/**
 * @file Eigen-CAM (Muhammad and Yeasin 2020, arXiv 2008.00299) and Eigen-Grad-CAM (Gildenblat 2021, in pytorch-grad-cam): the first
 * principal component of a layer, R v with R = [positions, C], each channel centred, and v its first right singular vector. R holds the
 * activations, or the activations times their gradients.
 *
 * A singular vector has no sign of its own. Here the sum of its components is not negative: then the map goes up where the sum of the
 * channels does, for their covariance over the grid is the eigenvalue times that sum.
 */
import { classBlind, flatGrid, gradientsByImage } from "./layer-map.ts";
import { principalComponent } from "./principal-component.ts";
import { bySign, camMethod } from "./signed-maps.ts";

export const eigenCam = camMethod(
  classBlind(
    bySign((parts, part) => part(principalComponent(parts.build, parts.build.unsqueeze(flatGrid(parts), [1])))),
  ),
  {
    name: "eigen-cam",
    title: "Eigen-CAM",
    summary: "What varies most over a layer: its first principal component, whatever the class.",
    paper: "Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
    family: "cam",
    cost: "1, for all classes together",
    classIndependent: true,
  },
);

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
