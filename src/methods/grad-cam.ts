/**
 * @file Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2).
 *
 *   alpha_k = mean over the grid of d(score)/dA_k,    L = ReLU( sum_k alpha_k A_k )
 */
import type { Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import type { LayerMap, LayerParts, Method } from "./method.ts";

/** The sum before the rectifier, linear in the score. It is a matrix product of [n, k, C] weights with [n, C, positions] activations: no [m, C, ...grid] is ever made. */
export const gradCamSum: LayerMap = (parts) => {
  const { build, da, grid } = parts;
  const weights = byImage(parts, build.reduceMean(da, grid));
  return build.matMul(weights, flatGrid(parts));
};

export const gradCamMap: LayerMap = (parts) => parts.build.relu(gradCamSum(parts));

/** Activations as [n, C, positions]. */
export function flatGrid({ build, a, grid }: LayerParts): Value {
  const places = grid.map((axis) => a.dims?.[axis] ?? -1);
  const positions = isStatic(places) ? product(places) : -1;
  return { ...build.reshape(a, [0, 0, positions]), dims: [a.dims?.[0] ?? -1, a.dims?.[1] ?? -1, positions] };
}

/** Rows for every target [m, C, ...] as [n, k, C, ...positions]. */
export function byImage({ build, a }: LayerParts, rows: Value, positions: readonly Value[] = []): Value {
  const [n = -1, channels = -1] = a.dims ?? [];
  const shape = build.concat([build.dimOf(a, 0), build.ints([-1]), build.dimOf(a, 1), ...positions], 0);
  return { ...build.reshape(rows, shape), dims: [n, -1, channels, ...positions.map(() => -1)] };
}

export const gradCam: Method<"grad-cam"> = {
  name: "grad-cam",
  title: "Grad-CAM",
  summary: "Where the evidence for the class is, on the grid of a layer.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  space: "layer",
  explain: async (question) => ({ maps: await question.atLayer(gradCamMap) }),
  graph: (question) => ({ map: question.atLayer(gradCamMap) }),
};
