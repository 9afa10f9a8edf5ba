/**
 * @file LayerCAM (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943).
 *
 *   L = ReLU( sum_k ReLU( d(score)/dA_k ) * A_k )
 *
 * Element by element, and only where more of a channel would raise the score.
 */
import { layerMethod, placeByPlace, placewise } from "./layer-map.ts";

const layerCamMap = placewise((parts) => {
  const { build } = parts;
  return build.relu(placeByPlace(parts, (gradients) => build.relu(gradients)));
});

export const layerCam = layerMethod(layerCamMap, {
  name: "layer-cam",
  title: "LayerCAM",
  summary: "What raises the score at each position of a layer, sharp enough for early layers.",
  paper: "Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
});
