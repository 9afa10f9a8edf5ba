/** @file Norms: pooling by the p-norm, and division by it. */
import { rankOf, type Value } from "../onnx/build.ts";
import { type Call, type Op, positive, spatialDims } from "./op.ts";
import { overWindows, refuseGaps, windowOf } from "./window.ts";

// y = (sum |x|^p)^(1/p);  dx = sign(x) |x|^(p-1) (dy y^(1-p), added over the windows that x is in)
const powerMean = (c: Call, add: (scaled: Value) => Value): Value => {
  const { build, attributes, x, y, dy } = c;
  const p = attributes.int("p", 2);
  const added = add(build.where(build.greater(y[0], 0), build.mul(dy[0], build.pow(y[0], 1 - p)), 0));
  return build.mul(build.mul(build.sign(x[0]), build.pow(build.abs(x[0]), p - 1)), added);
};

export const GlobalLpPool: Op = { vjp: (c) => [powerMean(c, (scaled) => scaled)] };

export const LpPool: Op = {
  vjp: (c) => {
    const [x] = c.x;
    const window = windowOf(c, x, c.attributes.ints("kernel_shape") ?? []);
    const [input, output] = [spatialDims(c, x), spatialDims(c, c.dy[0])];
    refuseGaps(c, window, input);
    return [powerMean(c, (scaled) => overWindows(c, scaled, window, input, output))];
  },
};

// p = 2: y = x / |x|;  dx = (dy - y sum(dy y)) / |x|.  p = 1: y = x / s, s = sum |x|;  dx = (dy - sign(x) sum(dy y)) / s
export const LpNormalization: Op = {
  vjp: ({ build, attributes, x: [x], y: [y], dy: [dy] }) => {
    const axes = positive([attributes.int("axis", -1)], rankOf(x));
    const along = build.reduceSum(build.mul(dy, y), axes);
    const square = attributes.int("p", 2) === 2;
    const safe = (norm: Value) => build.where(build.greater(norm, 0), norm, 1); // zeros stay zeros
    const norm = square ? build.sqrt(build.reduceSum(build.mul(x, x), axes)) : build.reduceSum(build.abs(x), axes);
    return [build.div(build.sub(dy, build.mul(square ? y : build.sign(x), along)), safe(norm))];
  },
};
