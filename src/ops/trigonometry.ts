/** @file Trigonometric and hyperbolic functions of each element, and their inverses. */
import type { Builder, Value } from "../onnx/build.ts";
import { elementwise, orInfinity } from "./op.ts";

const apply = (build: Builder, opType: string, x: Value): Value => build.op(opType, [x], undefined, x.type, x.dims);
const oneOver = (build: Builder, x: Value): Value => build.pow(x, -1);
const overRoot = (build: Builder, x: Value): Value => build.pow(orInfinity(build, x), -0.5);
const square = (build: Builder, x: Value): Value => build.mul(x, x);

export const Sin = elementwise(({ build, x: [x] }) => apply(build, "Cos", x));
export const Cos = elementwise(({ build, x: [x] }) => build.neg(apply(build, "Sin", x)));
export const Tan = elementwise(({ build, y: [y] }) => build.add(square(build, y), 1));
export const Asin = elementwise(({ build, x: [x] }) => overRoot(build, build.sub(1, square(build, x))));
export const Acos = elementwise(({ build, x: [x] }) => build.neg(overRoot(build, build.sub(1, square(build, x)))));
export const Atan = elementwise(({ build, x: [x] }) => oneOver(build, build.add(square(build, x), 1)));
export const Sinh = elementwise(({ build, x: [x] }) => apply(build, "Cosh", x));
export const Cosh = elementwise(({ build, x: [x] }) => apply(build, "Sinh", x));
export const Asinh = elementwise(({ build, x: [x] }) => build.pow(build.add(square(build, x), 1), -0.5));
export const Acosh = elementwise(({ build, x: [x] }) => overRoot(build, build.sub(square(build, x), 1)));
export const Atanh = elementwise(({ build, x: [x] }) => oneOver(build, build.sub(1, square(build, x))));
