/**
 * @file CAM (Zhou et al. 2016, arXiv 1512.04150), of networks that end in global average pooling and a linear layer, and of no others.
 *
 *   L = sum_k w_k A_k with the linear layer's weights w of the class
 *
 * There the gradient is w_k over the number of positions, at each of them: the sum of the gradient over the grid is the weight, however the
 * pooling and the linear layer are written.
 */
import { UserError } from "../errors.ts";
import { gradCamSum } from "./grad-cam.ts";
import { hiResCamSum } from "./hires-cam.ts";
import { weightedSum } from "./layer-map.ts";
import type { Method } from "./method.ts";
import { signOption } from "./options.ts";
import { bySign } from "./signed-maps.ts";
import { ofWholePictures } from "./tasks.ts";

const maps = bySign((parts, part) => part(weightedSum(parts, parts.build.reduceSum(parts.da, parts.grid))));

export const cam: Method<"cam"> = {
  name: "cam",
  title: "CAM",
  summary:
    "The class's weights on the layer's channels, for networks that end in global average pooling and a linear layer.",
  paper: "Zhou et al. 2016, https://arxiv.org/abs/1512.04150",
  family: "cam",
  cost: "1, and almost nothing for a further class",
  options: [{ ...signOption, default: "signed" }],
  uncompiled: "is Grad-CAM times the number of positions where it exists: compile grad-cam",
  tasks: ofWholePictures,
  space: "layer",
  async explain({ isLinear, atLayer, options }) {
    // Behind a linear head HiResCAM is Grad-CAM only where the gradient is the same at every position.
    if (!isLinear()) throw notPooled();
    const [mean, own] = [(await atLayer(gradCamSum)).data, (await atLayer(hiResCamSum)).data];
    const scale = mean.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    if (mean.some((v, i) => Math.abs(v - own[i]) > 1e-4 * scale)) throw notPooled();
    return { maps: await atLayer(maps[options.sign]) };
  },
};

const notPooled = (): UserError =>
  new UserError(
    "invalid-option",
    "invalid method: cam takes networks with nothing but global average pooling and a linear layer behind the layer; take grad-cam, which is the same there and exists everywhere",
  );
