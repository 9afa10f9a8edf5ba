/**
 * @file ODAM (Zhao and Chan 2023, arXiv 2304.06354).
 *
 *   L = ReLU( sum_k w_k * A_k ),    w_k = G * d(score)/dA_k
 *
 * Place by place as HiResCAM, with weights that a Gaussian G has smoothed: between HiResCAM, whose weights are each place's own, and
 * Grad-CAM, whose weights are the mean of all. The paper's map of a box is the largest of five, each divided by its maximum: of the score
 * and of each edge.
 */
import { layerMethod, placeByPlace } from "./layer-map.ts";
import type { LayerMap, LayerParts } from "./method.ts";
import { attributesOption, refuseAttributes } from "./options.ts";

/** Of a standard deviation of one cell, cut off two cells away: how far one cell's weight reaches. */
const taps = [-2, -1, 0, 1, 2].map((x) => Math.exp(-(x ** 2) / 2));

/** Gradients, [m, C, ...grid], each channel smoothed; what lies beyond the grid is 0. */
function smoothed({ build, da, grid }: LayerParts) {
  const shape = build.concat([build.ints([-1, 1]), ...grid.map((axis) => build.dimOf(da, axis))], 0);
  const total = taps.reduce((a, b) => a + b) ** grid.length;
  const kernel = grid.reduce((all) => all.flatMap((v) => taps.map((tap) => v * tap)), [1 / total]);
  const size = grid.map(() => taps.length);
  const weights = build.floats(kernel, [1, 1, ...size], da.type);
  const pads = [...grid, ...grid].map(() => taps.length >> 1);
  const cells = grid.map((axis) => da.dims?.[axis] ?? -1);
  const rows = { ...build.reshape(da, shape), dims: [-1, 1, ...cells] };
  return build.op("Conv", [rows, weights], { kernel_shape: size, pads }, da.type, rows.dims);
}

const odamMap: LayerMap = (parts) => parts.build.relu(placeByPlace({ ...parts, da: smoothed(parts) }));

const ofOne = layerMethod(odamMap, {
  name: "odam",
  title: "ODAM",
  summary: "Where the evidence for one detection is: HiResCAM with smoothed weights.",
  paper: "Zhao and Chan 2023, https://arxiv.org/abs/2304.06354",
  family: "cam",
  cost: "1, and a little for a further target",
});

export const odam: typeof ofOne = {
  ...ofOne,
  options: [attributesOption],
  explain: async (question) => {
    refuseAttributes(question.options);
    return ofOne.explain(question);
  },
};
