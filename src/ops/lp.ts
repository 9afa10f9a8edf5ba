/** @file Norms: pooling by the p-norm, and division by it. */
import { rankOf } from "../onnx/build.ts";
import { type Op, orInfinity, positive, spatialDims } from "./op.ts";
import { overWindows, refuseGaps, windowOf } from "./window.ts";

// y = (sum |x|^p)^(1/p);  dx = dy sign(x) (|x| / y)^(p-1), 0 where y is 0
export const GlobalLpPool: Op = {
  vjp: ({ build, attributes, x: [x], y: [y], dy: [dy] }) => {
    const fraction = build.pow(build.div(build.abs(x), orInfinity(build, y)), attributes.int("p", 2) - 1);
    return [build.mul(dy, build.mul(build.sign(x), fraction))];
  },
};

// dx = sign(x) |x|^(p-1) (dy y^(1-p), added over the windows that x is in)
export const LpPool: Op = {
  vjp: (c) => {
    const { build, attributes } = c;
    const [x] = c.x;
    const window = windowOf(c, x, attributes.ints("kernel_shape") ?? []);
    const [input, output] = [spatialDims(c, x), spatialDims(c, c.dy[0])];
    refuseGaps(c, window, input);
    const p = attributes.int("p", 2);
    // Below it y^(1-p) is beyond float32.
    const least = 10 ** (-38 / Math.max(1, p - 1));
    const scaled = build.where(build.greater(c.y[0], least), build.mul(c.dy[0], build.pow(c.y[0], 1 - p)), 0);
    const added = overWindows(c, scaled, window, input, output);
    return [build.mul(build.mul(build.sign(x), build.pow(build.abs(x), p - 1)), added)];
  },
};

// p = 2: y = x / |x|;  dx = (dy - y sum(dy y)) / |x|.  p = 1: y = x / s, s = sum |x|;  dx = (dy - sign(x) sum(dy y)) / s.  0 at 0
export const LpNormalization: Op = {
  vjp: ({ build, attributes, x: [x], y: [y], dy: [dy] }) => {
    const axes = positive([attributes.int("axis", -1)], rankOf(x));
    const along = build.reduceSum(build.mul(dy, y), axes);
    const square = attributes.int("p", 2) === 2;
    const norm = square ? build.sqrt(build.reduceSum(build.mul(x, x), axes)) : build.reduceSum(build.abs(x), axes);
    return [build.div(build.sub(dy, build.mul(square ? y : build.sign(x), along)), orInfinity(build, norm))];
  },
};
