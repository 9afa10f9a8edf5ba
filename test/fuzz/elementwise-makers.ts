/** @file Makers of element-wise nodes. Where a function has a domain, what is fed to it is brought there first. */
import { DataType, float } from "../../src/onnx/proto.ts";
import { broadcasts, Impossible, type Known, type Maker, type Making } from "./making.ts";

const unary =
  (
    opType: string,
    since = 7,
    attributes: (m: Making) => Record<string, ReturnType<typeof float>> = () => ({}),
  ): Maker =>
  (m) => {
    m.since(since);
    m.node(opType, [m.tensor().name], m.draw.chance(0.5) ? attributes(m) : {});
  };
const between =
  (low: number, high: number, ...names: string[]) =>
  (m: Making) =>
    Object.fromEntries(names.map((name) => [name, float(low + (high - low) * m.draw.uniform())]));

/** At least 0.3. */
const positive = (m: Making): string =>
  m.node("Add", [m.node("Softplus", [m.tensor().name]), m.floats(0.3 + m.draw.uniform())]);
/** Within 0.9. */
const bounded = (m: Making): string => m.node("Mul", [m.node("Tanh", [m.tensor().name]), m.floats(0.9)]);

/** Another operand: a tensor that broadcasts, weights, or the same tensor. */
function operand(m: Making, x: Known, make: (dims: readonly number[]) => string = (dims) => m.weights(dims)): string {
  if (m.draw.chance(0.15)) return x.name;
  if (m.draw.chance(0.5)) {
    const other = m.tensor((t) => broadcasts(t.dims, x.dims));
    return other.name;
  }
  return make(m.narrower(x.dims));
}

const either = (m: Making, a: string, b: string): string[] => (m.draw.chance(0.5) ? [a, b] : [b, a]);
const binary =
  (opType: string): Maker =>
  (m) => {
    const x = m.tensor();
    m.node(opType, either(m, x.name, operand(m, x)));
  };
const variadic =
  (opType: string): Maker =>
  (m) => {
    const x = m.tensor();
    m.node(opType, m.draw.sample([x.name, operand(m, x), operand(m, x)], m.draw.int(1, 3)));
  };
/** A step function, beside what it steps on, so that a gradient remains. */
const steps =
  (opType: string, since: number): Maker =>
  (m) => {
    m.since(since);
    const { name } = m.tensor();
    m.node("Add", [name, m.node(opType, [name])]);
  };
const microsoft =
  (opType: string): Maker =>
  (m) => {
    m.node(opType, [m.ofRank(1, 5).name], {}, { domain: "com.microsoft" });
  };

export const elementwiseMakers: Readonly<Record<string, Maker>> = {
  Relu: unary("Relu"),
  LeakyRelu: unary("LeakyRelu", 7, between(-0.5, 0.9, "alpha")),
  Elu: unary("Elu", 7, between(0.1, 2, "alpha")),
  Celu: unary("Celu", 12, between(0.3, 2, "alpha")),
  Selu: unary("Selu", 7, between(0.5, 2, "alpha", "gamma")),
  Sigmoid: unary("Sigmoid"),
  HardSigmoid: unary("HardSigmoid", 7, between(0.1, 0.5, "alpha", "beta")),
  HardSwish: unary("HardSwish", 14),
  Softplus: unary("Softplus"),
  Softsign: unary("Softsign"),
  Tanh: unary("Tanh"),
  ThresholdedRelu: unary("ThresholdedRelu", 10, between(-1, 1, "alpha")),
  Shrink: unary("Shrink", 9, between(0.1, 0.9, "lambd", "bias")),
  Mish: unary("Mish", 18),
  Swish: unary("Swish", 24, between(0.5, 2, "alpha")),
  Gelu: (m) => {
    m.since(20);
    m.node("Gelu", [m.tensor().name], m.draw.chance(0.5) ? { approximate: "tanh" } : {});
  },
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Erf: unary("Erf", 9),
  Sin: unary("Sin"),
  Cos: unary("Cos"),
  Atan: unary("Atan"),
  Sinh: unary("Sinh", 9),
  Cosh: unary("Cosh", 9),
  Asinh: unary("Asinh", 9),
  Identity: unary("Identity"),
  Exp: (m) => m.node("Exp", [m.tensor(({ most }) => most < 4).name]),
  PRelu: (m) => {
    const x = m.ofRank(1, 5);
    m.node("PRelu", [x.name, m.weights(m.narrower(x.dims))]);
  },
  Clip: (m) => {
    const { name } = m.tensor();
    const [low, high] = [-m.draw.uniform(), m.draw.uniform()];
    const sides = m.draw.pick([
      [true, true],
      [true, false],
      [false, true],
    ] as const);
    if (m.opset < 11)
      m.node("Clip", [name], { ...(sides[0] && { min: float(low) }), ...(sides[1] && { max: float(high) }) });
    else m.node("Clip", [name, sides[0] ? m.floats(low) : "", ...(sides[1] ? [m.floats(high)] : [])]);
  },
  Dropout: (m) => m.node("Dropout", [m.tensor().name]),
  Cast: (m) => m.node("Cast", [m.node("Cast", [m.tensor().name], { to: DataType.DOUBLE })], { to: DataType.FLOAT }),
  CastLike: (m) => {
    m.since(15);
    m.node("CastLike", [m.tensor().name, m.floats(0)]);
  },
  Sqrt: (m) => m.node("Sqrt", [positive(m)]),
  Log: (m) => m.node("Log", [positive(m)]),
  Reciprocal: (m) => m.node("Reciprocal", [positive(m)]),
  Acosh: (m) => {
    m.since(9);
    m.node("Acosh", [m.node("Add", [positive(m), m.floats(1)])]);
  },
  Asin: (m) => m.node("Asin", [bounded(m)]),
  Acos: (m) => m.node("Acos", [bounded(m)]),
  Tan: (m) => m.node("Tan", [bounded(m)]),
  Atanh: (m) => {
    m.since(9);
    m.node("Atanh", [bounded(m)]);
  },
  Add: binary("Add"),
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  Div: (m) => {
    if (m.draw.chance(0.3)) return m.node("Div", [m.tensor().name, positive(m)]);
    const x = m.tensor();
    m.node("Div", [x.name, m.positive(m.narrower(x.dims))]);
  },
  Pow: (m) => {
    const whole = m.draw.chance(0.5);
    if (whole) return m.node("Pow", [m.tensor().name, m.floats(m.draw.int(1, 4))]);
    const base = positive(m);
    m.node("Pow", [base, m.draw.chance(0.5) ? m.floats(0.5 + m.draw.uniform()) : base]);
  },
  Mod: (m) => {
    m.since(10);
    const x = m.tensor();
    m.node("Mod", [x.name, m.positive(m.narrower(x.dims))], { fmod: 1 });
  },
  Sum: variadic("Sum"),
  Mean: variadic("Mean"),
  Max: variadic("Max"),
  Min: variadic("Min"),
  Where: (m) => {
    m.since(9);
    const x = m.tensor();
    const [a, b] = either(m, x.name, operand(m, x));
    m.node("Where", [m.node("Greater", [x.name, m.weights(m.narrower(x.dims))]), a, b]);
  },
  Floor: steps("Floor", 7),
  Ceil: steps("Ceil", 7),
  Sign: steps("Sign", 9),
  Round: steps("Round", 11),
  "com.microsoft.Gelu": microsoft("Gelu"),
  "com.microsoft.FastGelu": microsoft("FastGelu"),
  "com.microsoft.QuickGelu": microsoft("QuickGelu"),
  "com.microsoft.BiasGelu": (m) => {
    const x = m.ofRank(2, 4);
    const width = x.dims.at(-1) ?? 0;
    if (width < 1) throw new Impossible();
    m.node("BiasGelu", [x.name, m.weights([width])], {}, { domain: "com.microsoft" });
  },
};
