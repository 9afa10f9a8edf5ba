/** @file Operators that change the shape and not the values, and those that read shapes. */
import { rankOf } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Call, type Op, reshaping, unbroadcast, zero } from "./op.ts";

export { reshaping as Reshape, reshaping as Flatten, reshaping as Squeeze, reshaping as Unsqueeze };

export const Transpose: Op = {
  linear: [0],
  rows: (c, rows) => [{ ...rows, axis: permutation(c)[rows.axis] }],
  vjp: (c) => {
    const perm = permutation(c);
    return [
      c.build.transpose(
        c.dy[0],
        range(perm.length).map((i) => perm.indexOf(i)),
      ),
    ];
  },
};

const permutation = ({ attributes, x: [x] }: Call): number[] => attributes.ints("perm") ?? range(rankOf(x)).reverse();

export const Expand: Op = { linear: [0], vjp: ({ build, x: [x], dy: [dy] }) => [unbroadcast(build, dy, x)] };

export {
  zero as Shape,
  zero as Size,
  zero as ConstantOfShape,
  zero as EyeLike,
  zero as Range,
  zero as NonZero,
  zero as Constant,
  zero as OneHot,
  zero as RandomNormalLike,
  zero as RandomUniformLike,
  zero as Bernoulli,
};
