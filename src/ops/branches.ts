/** @file If: the adjoint is an If on the same condition, of the branches' adjoints. */
import { graphOf } from "../onnx/nested.ts";
import { gradientType } from "../onnx/types.ts";
import { adjoint, enter } from "./inside.ts";
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
    const wanted = c.x.filter((_, i) => needs[i] && branches.some(({ found }) => found.has(inputs[i])));
    if (wanted.length === 0) return [];
    const names = inputs.filter((_, i) => wanted.includes(c.x[i]));
    const [then_branch, else_branch] = branches.map(({ inner, found }) =>
      graphOf(
        inner,
        [],
        wanted.map((x, i) => found.get(names[i]) ?? inner.zerosLike(x)),
      ),
    );
    const types = wanted.map(({ type, dims }) => ({ type: gradientType(type), dims }));
    const made = build.ops("If", [c.x[0]], { then_branch, else_branch }, types);
    return inputs.map((name) => made[names.indexOf(name)] ?? null);
  },
};
