/** @file Arithmetic and functions of each element, with numpy broadcasting. */
import type { Builder, Value } from "../onnx/build.ts";
import { gradientType, isFloat } from "../onnx/types.ts";
import { type Call, elementwise, identity, inTraining, type Op, orInfinity, unbroadcast, zero } from "./op.ts";
import { aligned } from "./rows.ts";

/** An operator of two inputs: dx = dy * derivative, summed over the axes along which an input was repeated. */
const binary = (linear: readonly number[], gradients: (call: Call) => readonly (() => Value)[]): Op => ({
  linear,
  rows: aligned,
  vjp: (c) => gradients(c).map((gradient, i) => (c.needs[i] ? unbroadcast(c.build, gradient(), c.x[i]) : null)),
});

export const Add = binary([0, 1], ({ dy: [dy] }) => [() => dy, () => dy]);
export const Sub = binary([0, 1], ({ build, dy: [dy] }) => [() => dy, () => build.neg(dy)]);
export const Mul = binary([0, 1], ({ build, x: [a, b], dy: [dy] }) => [() => build.mul(dy, b), () => build.mul(dy, a)]);

// y = a / b;  da = dy / b,  db = -dy y / b
export const Div = binary([0], ({ build, x: [, b], y: [y], dy: [dy] }) => [
  () => build.div(dy, b),
  () => build.neg(build.div(build.mul(dy, y), b)),
]);

// y = a^b;  da = dy b a^(b-1),  db = dy y ln a, 0 where a <= 0
export const Pow = binary([], (c) => {
  const { build } = c;
  const [y] = c.y;
  const [dy] = c.dy;
  const [a, exponent] = c.x;
  const b = isFloat(exponent.type) ? exponent : build.cast(exponent, a.type);
  const constant = c.constant(1);
  // The exponent 0 stays 0, since 0 * 0^(-1) is not 0.
  const lower = () => build.sub(b, build.cast(build.not(build.equal(b, 0)), b.type));
  const steep = () => build.and(build.equal(a, 0), build.less(b, 1));
  const power =
    constant?.length === 1
      ? scaledPower(build, a, constant[0])
      : build.where(steep(), 0, build.mul(b, build.pow(a, lower())));
  return [
    () => build.mul(dy, power),
    () => build.mul(dy, build.where(build.greater(a, 0), build.mul(y, build.log(a)), 0)),
  ];
});

/** n a^(n-1), without a Pow where none is needed: 0 a^(-1) is 0 at 0 too. */
function scaledPower(build: Builder, a: Value, n: number): Value {
  if (n === 0 || n === 1) return build.floats(n, undefined, a.type);
  if (n === 2) return build.mul(a, 2);
  if (n === 3) return build.mul(build.mul(a, a), 3);
  return build.mul(build.pow(n > 0 && n < 1 ? orInfinity(build, a) : a, n - 1), n);
}

export const Neg: Op = { linear: [0], rows: aligned, vjp: ({ build, dy: [dy] }) => [build.neg(dy)] };
export const Sqrt: Op = {
  rows: aligned,
  vjp: ({ build, y: [y], dy: [dy] }) => [build.div(dy, build.mul(orInfinity(build, y), 2))],
};
export const Reciprocal = elementwise(({ build, y: [y] }) => build.neg(build.mul(y, y)));
export const Exp = elementwise(({ y: [y] }) => y);
export const Log: Op = { rows: aligned, vjp: ({ build, x: [x], dy: [dy] }) => [build.div(dy, x)] };
export const Abs = elementwise(({ build, x: [x] }) => build.sign(x));

// dx = dy * 2 / sqrt(pi) * exp(-x^2)
export const Erf = elementwise(({ build, x: [x] }) =>
  build.mul(build.exp(build.neg(build.mul(x, x))), 2 / Math.sqrt(Math.PI)),
);

/** Where(condition, a, b) */
export const Where: Op = {
  linear: [1, 2],
  rows: aligned,
  vjp: ({ build, x: [condition, a, b], dy: [dy], needs }) => [
    null,
    needs[1] ? unbroadcast(build, build.where(condition, dy, 0), a) : null,
    needs[2] ? unbroadcast(build, build.where(condition, 0, dy), b) : null,
  ],
};

// Half precision appears as float32 on both sides, so only float64 is converted.
export const Cast: Op = {
  linear: [0],
  rows: aligned,
  vjp: ({ build, x: [x], dy: [dy] }) => [build.cast(dy, gradientType(x.type))],
};
export const CastLike: Op = {
  linear: [0],
  vjp: ({ build, x: [x], dy: [dy] }) => [build.cast(dy, gradientType(x.type)), null],
};

export const Identity = identity;

/** In inference a Dropout does nothing; one that is told to train is random and has no gradient here. */
export const Dropout: Op = {
  linear: [0],
  rows: aligned,
  vjp: (c) => {
    const training = c.constant(2);
    if (c.x[2] && training?.[0] !== 0) inTraining(c.node);
    return [c.dy[0]];
  },
};

export const Sum: Op = {
  rows: aligned,
  vjp: ({ build, x, dy: [dy], needs }) => x.map((term, i) => (needs[i] ? unbroadcast(build, dy, term) : null)),
};
export const Mean: Op = {
  rows: aligned,
  vjp: ({ build, x, dy: [dy], needs }) =>
    x.map((term, i) => (needs[i] ? unbroadcast(build, build.div(dy, x.length), term) : null)),
};

/** The gradient goes to the inputs that equal the result, in equal parts where several do. */
const extreme: Op = {
  rows: aligned,
  vjp: ({ build, x, y: [y], dy: [dy], needs }) => {
    if (x.length === 1) return [dy];
    const chosen = x.map((term) => build.cast(build.equal(y, term), dy.type));
    const each = build.div(dy, build.sum(chosen));
    return x.map((term, i) => (needs[i] ? unbroadcast(build, build.mul(each, chosen[i]), term) : null));
  },
};
export const Max = extreme;
export const Min = extreme;

// a mod b = a - b floor(a / b), or with fmod a - b trunc(a / b): a passes, b by the whole number of times it was taken.
export const Mod = binary([], ({ build, x: [a, b], y: [y], dy: [dy] }) => [
  () => dy,
  () => build.neg(build.mul(dy, build.div(build.sub(a, y), b))),
]);

export { zero as Ceil, zero as Floor, zero as Round, zero as Sign };
