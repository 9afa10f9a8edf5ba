/**
 * @file Guided backpropagation (Springenberg et al. 2015, arXiv 1412.6806): at every rectifier dx = dy * [x > 0] * [dy > 0].
 *
 * A rectifier is a Relu, or a Clip from 0 to a positive bound (ReLU6). A Clip with one bound, LeakyRelu, PRelu, Elu, SiLU and
 * GELU let negative values through and keep their gradient, as in captum.
 */
import { Clip as plainClip } from "../../ops/activation.ts";
import { type Call, clipMask, type Rule } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";

export const guided: Overrides = new Map<string, Rule>([
  ["Relu", ({ build, y: [y], dy: [dy] }) => [build.mul(build.relu(dy), build.step(y))]],
  [
    "Clip",
    (c) => {
      const mask = clipMask(c);
      return mask && isRectifier(c) ? [c.build.mul(c.build.relu(c.dy[0]), mask)] : plain(c);
    },
  ],
]);

/** Whether a Clip is a rectifier: from 0 to a positive constant. */
export function isRectifier(c: Call): boolean {
  const bounds = ["min", "max"].map((name, i) => {
    if (c.opset < 11) return c.attributes.has(name) ? c.attributes.float(name, 0) : undefined;
    return c.x[i + 1] ? c.constant(i + 1)?.[0] : undefined;
  });
  return bounds[0] === 0 && bounds[1] !== undefined && bounds[1] > 0 && bounds[1] < 1e30;
}

/** The Clip's ordinary gradient. */
export const plain = plainClip.vjp as Rule;
