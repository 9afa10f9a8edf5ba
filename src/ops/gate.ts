/** @file The gates of recurrent layers: an activation of a sum, which may be clipped first, and the backward pass through both. */

import type { Builder, Value } from "../onnx/build.ts";
import { Attributes } from "../onnx/model.ts";
import type { AttributeValue } from "../onnx/proto.ts";
import { float, makeNode } from "../onnx/proto.ts";
import { type Call, unsupported } from "./op.ts";

/** A function that a recurrent layer names. */
export interface Activation {
  of(build: Builder, x: Value): Value;
  /** The gradient of x from that of y. */
  back(build: Builder, x: Value, y: Value, dy: Value): Value;
}

/** A gate at all steps at once: its value, and the gradient of its sum from that of the value. */
export interface Gate {
  readonly value: Value;
  back(dy: Value): Value;
}

/** @param value where it is known already; @param clip the bound of the sum on both sides. */
export function gate(build: Builder, activation: Activation, sum: Value, clip?: number, value?: Value): Gate {
  const cut = clip === undefined ? sum : clipped(build, sum, clip);
  const y = value ?? activation.of(build, cut);
  return {
    value: y,
    back: (dy) => {
      const dx = activation.back(build, cut, y, dy);
      return clip === undefined ? dx : build.mul(dx, build.step(build.sub(clip, build.abs(sum))));
    },
  };
}

function clipped(build: Builder, x: Value, bound: number): Value {
  if (build.opset < 11) return build.op("Clip", [x], { min: float(-bound), max: float(bound) }, x.type, x.dims);
  const [low, high] = [-bound, bound].map((v) => build.floats(v, undefined, x.type));
  return build.op("Clip", [x, low, high], undefined, x.type, x.dims);
}

/** What a function may be told, and what ONNX Runtime takes otherwise: an operator of the standard, or one of recurrent layers alone. */
const functions: Readonly<Record<string, { alpha?: number; beta?: number }>> = {
  Sigmoid: {},
  Tanh: {},
  Relu: {},
  Softsign: {},
  Softplus: {},
  LeakyRelu: { alpha: 0.01 },
  ThresholdedRelu: { alpha: 0 },
  Elu: { alpha: 1 },
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  Affine: { alpha: 0, beta: 0 },
  ScaledTanh: { alpha: 0, beta: 0 },
};

/** The functions that a node names, in order: alpha and beta are lists from which those that need one take the next. */
export function activationsOf(c: Call, defaults: readonly string[]): Activation[] {
  const { attributes, node } = c;
  const given = {
    alpha: attributes.floats("activation_alpha") ?? [],
    beta: attributes.floats("activation_beta") ?? [],
  };
  const taken = { alpha: 0, beta: 0 };
  return (attributes.strings("activations") ?? defaults).map((written) => {
    const name = Object.keys(functions).find((known) => known.toLowerCase() === written.toLowerCase());
    if (name === undefined) return unsupported(node, `activation "${written}"`);
    const next = (key: "alpha" | "beta") => {
      const otherwise = functions[name][key];
      return otherwise === undefined ? undefined : (given[key][taken[key]++] ?? otherwise);
    };
    return activation(c, name, next("alpha"), next("beta"));
  });
}

function activation(c: Call, name: string, alpha = 1, beta = 0): Activation {
  // y = alpha x + beta
  if (name === "Affine")
    return {
      of: (build, x) => build.add(build.mul(x, alpha), beta),
      back: (build, _x, _y, dy) => build.mul(dy, alpha),
    };
  // y = alpha tanh(beta x) = alpha t;  dx = dy alpha beta (1 - t^2)
  if (name === "ScaledTanh") {
    const t = (build: Builder, x: Value) => build.tanh(build.mul(x, beta));
    return {
      of: (build, x) => build.mul(t(build, x), alpha),
      back: (build, x, _y, dy) => {
        const square = build.mul(t(build, x), t(build, x));
        return build.mul(build.mul(dy, build.sub(1, square)), alpha * beta);
      },
    };
  }
  const own = functions[name];
  const attributes: Record<string, AttributeValue> = {
    ...("alpha" in own && { alpha: float(alpha) }),
    ...("beta" in own && { beta: float(beta) }),
  };
  const node = makeNode(name, [], [], attributes);
  return {
    of: (build, x) => build.op(name, [x], attributes, x.type, x.dims),
    back: (build, x, y, dy) => {
      const rule = c.operator(node)?.vjp;
      if (typeof rule !== "function") return unsupported(c.node, `activation "${name}"`);
      const [dx] = rule({
        ...c,
        build,
        node,
        attributes: new Attributes(node),
        x: [x],
        y: [y],
        dy: [dy],
        needs: [true],
      });
      return dx as Value;
    },
  };
}
