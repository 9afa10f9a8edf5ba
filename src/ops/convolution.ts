/** @file Convolution, in any number of spatial dimensions. */
import { type Op, spatialDims } from "./op.ts";
import { biasGradient, convolutionInput, convolutionKernel, refuseGaps, windowOf } from "./window.ts";

export const Conv: Op = {
  linear: [0, 1],
  vjp: (c) => {
    const { build, attributes, needs } = c;
    const [x, w] = c.x;
    const [dy] = c.dy;
    const group = attributes.int("group", 1);
    const window = windowOf(c, x, spatialDims(c, w));
    refuseGaps(c, window, spatialDims(c, x));
    return [
      needs[0] ? convolutionInput(build, dy, w, group, window, spatialDims(c, x)) : null,
      needs[1] ? convolutionKernel(build, x, dy, group, window) : null,
      needs[2] ? biasGradient(build, dy) : null,
    ];
  },
};
