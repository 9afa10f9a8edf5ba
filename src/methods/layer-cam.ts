/**
 * @file LayerCAM (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943).
 *
 *   L = ReLU( sum_k ReLU( d(score)/dA_k ) * A_k )
 *
 * Element by element, and only where more of a channel would raise the score.
 */

import { placeByPlace } from "./layer-map.ts";
import { camMethod, placewiseBySign } from "./signed-maps.ts";

const maps = placewiseBySign((parts, part) => part(placeByPlace(parts, (gradients) => parts.build.relu(gradients))));

export const layerCam = camMethod(maps, {
  name: "layer-cam",
  title: "LayerCAM",
  summary: "What raises the score at each position of a layer, sharp enough for early layers.",
  paper: "Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
  family: "cam",
  cost: "1, and what lies behind the layer, backwards",
});
