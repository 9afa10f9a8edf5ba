/**
 * @file Linear operators that treat each axis alone (Resize, Upsample, Pad by reflection): along one axis they are a matrix. We do
 * not work that matrix out: the operator itself, run on an identity matrix, is it, so every mode has the runtime's own weights.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";

/** The identity matrix, [n, n]. */
export const eye = (build: Builder, n: number, like: Value): Value =>
  build.op("EyeLike", [build.zeros(build.ints([n, n]), like.type, [n, n])], undefined, like.type, [n, n]);

/** Contracts one axis of dy [..., out, ...] with a matrix [out, in]: the adjoint of applying the matrix along that axis. */
export function contract(build: Builder, dy: Value, axis: number, matrix: Value): Value {
  const rank = rankOf(dy);
  if (axis === rank - 2) return build.matMul(build.transpose(matrix, [1, 0]), dy);
  const last = range(rank).map((i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  return build.transpose(build.matMul(build.transpose(dy, last), matrix), last);
}
