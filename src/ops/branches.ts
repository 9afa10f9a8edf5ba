/** @file If: the adjoint is an If on the same condition, of the branches' adjoints. */
import { range } from "../onnx/dims.ts";
import { graphOf } from "../onnx/nested.ts";
import { gradientType } from "../onnx/types.ts";
import { adjoint, enter, placed } from "./inside.ts";
import type { Op } from "./op.ts";

/** Its branches have no inputs: they read the outer graph, and each tensor that either reads has a gradient from both. */
export const If: Op = {
  vjp: (c) => {
    const { build, inputs, needs, dy } = c;
    const captures = inputs.filter((_, i) => needs[i]);
    const chosen = c.constant(0)?.[0];
    const branches = ["then_branch", "else_branch"].map((name, i) => {
      const inner = build.nested();
      const never = chosen !== undefined && (chosen === 0) === (i === 0);
      return { inner, found: never ? new Map<string, never>() : adjoint(enter(c, name, inner), inner, dy, captures) };
    });
    const places = range(inputs.length).filter((i) => needs[i] && branches.some(({ found }) => found.has(inputs[i])));
    if (places.length === 0) return [];
    const [then_branch, else_branch] = branches.map(({ inner, found }) => {
      const gradients = places.map((i) => found.get(inputs[i]) ?? inner.zerosLike(c.x[i]));
      return graphOf(inner, [], gradients);
    });
    const types = places.map((i) => ({ type: gradientType(c.x[i].type), dims: c.x[i].dims }));
    const made = build.ops("If", [c.x[0]], { then_branch, else_branch }, types);
    return placed(c, places, made);
  },
};
