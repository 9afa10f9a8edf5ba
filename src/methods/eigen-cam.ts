/**
 * @file Eigen-CAM (Muhammad and Yeasin 2020, arXiv 2008.00299): the first principal component of a layer, R v with R = [positions, C] its
 * activations, each channel centred, and v its first right singular vector.
 *
 * A singular vector has no sign of its own. Here the sum of its components is not negative: then the map goes up where the sum of the
 * channels does, for their covariance over the grid is the eigenvalue times that sum.
 */
import { classBlind, flatGrid } from "./layer-map.ts";
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
