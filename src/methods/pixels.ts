/** @file What methods in pixel space share: the signed image, and the map that sums it up. */

import type { Dense } from "../array/dense.ts";
import type { Rules } from "../autodiff/rules.ts";
import { product } from "../onnx/dims.ts";
import type { Method } from "./method.ts";

/** The largest magnitude among the channels of each pixel (Simonyan et al. 2014, section 3): [m, C, ...] -> [m, ...]. */
export function strongestChannel({ data, dims }: Dense): Dense {
  const [m, channels, ...grid] = dims;
  const size = product(grid);
  const map = new Float32Array(m * size);
  for (let i = 0, from = 0; i < m; i++)
    for (let c = 0; c < channels; c++)
      for (let at = i * size, end = at + size; at < end; at++, from++) {
        const magnitude = data[from] < 0 ? -data[from] : data[from];
        if (magnitude > map[at] || Number.isNaN(magnitude)) map[at] = magnitude; // and nothing is above NaN
      }
  return { data: map, dims: [m, ...grid] };
}

/** A method whose image is the gradient at the input, by a set of rules. */
export function inputGradient<Name extends string>(
  rules: Rules,
  about: Pick<
    Method<Name>,
    "name" | "title" | "summary" | "paper" | "family" | "cost" | "nothing" | "classIndependent"
  >,
): Method<Name> {
  return {
    ...about,
    space: "pixels",
    explain: async (question) => {
      const pixels = await question.atInput(rules);
      return { maps: strongestChannel(pixels), pixels };
    },
    graph: (question) => ({ pixels: question.atInput(rules) }),
  };
}
