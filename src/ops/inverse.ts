/** @file The inverse of a matrix, of the domain com.microsoft. */
import type { Op } from "./op.ts";

// y = x^-1, so dy = -y dx y:  dx = -y' dy y'
export const Inverse: Op = {
  vjp: ({ build, y: [y], dy: [dy] }) => {
    const turned = build.transposeLast(y);
    return [build.neg(build.matMul(build.matMul(turned, dy), turned))];
  },
};
