/**
 * @file The first principal component of channels over a grid: R v with R = [positions, C], each channel centred, and v its first right singular
 * vector, of which the sum of the components is not negative (eigen-cam.ts says why).
 */
import type { Builder, Value } from "../onnx/build.ts";
import { DataType } from "../onnx/proto.ts";

/** The power of the Gram matrix is 2^16: what is not its first eigenvector is gone where the eigenvalues are 0.1 % apart. */
const squarings = 16;
/** Further steps on the matrix itself, so that what the squarings have rounded goes too. */
const refinements = 3;

/** Rows [..., C, positions], each channel over the grid, as their first principal component [..., positions]. */
export function principalComponent(build: Builder, channels: Value): Value {
  const rank = channels.dims?.length ?? 3;
  const [c, p] = [rank - 2, rank - 1];
  const centred = build.sub(channels, build.reduceMean(channels, [p]));
  const [count = -1, positions = -1] = channels.dims?.slice(-2) ?? [];
  // The smaller Gram matrix: of the positions where there are fewer of them than channels.
  const ofPositions = positions >= 0 && (count < 0 || positions < count);
  const rows = ofPositions ? build.transposeLast(centred) : centred;
  const other = build.transposeLast(rows);
  const scaled = (x: Value): Value => {
    const most = build.reduceMax(build.abs(x), [c, p]);
    return build.div(x, build.where(build.greater(most, 0), most, 1));
  };
  let gram = scaled(build.matMul(rows, other));
  for (let i = 0; i < squarings; i++) gram = scaled(build.matMul(gram, gram));
  // A power of a symmetric matrix is nearly u u^T: its longest column is the surest u.
  const lengths = build.reduceSum(build.mul(gram, gram), [c]);
  const longest = build.argMax(lengths, p, false);
  const isLongest = build.oneHot(longest, build.reshape(build.dimOf(lengths, p), []), DataType.FLOAT, lengths.dims);
  let u = scaled(build.reduceSum(build.mul(gram, build.cast(isLongest, gram.type)), [p]));
  for (let i = 0; i < refinements; i++) u = scaled(build.matMul(rows, build.matMul(other, u)));
  // v over the channels, of length 1.
  const v = ofPositions ? build.matMul(other, u) : u;
  const length = build.sqrt(build.reduceSum(build.mul(v, v), [c]));
  const total = build.reduceSum(v, [c]);
  const sign = build.where(build.less(total, 0), build.neg(length), length);
  const unit = build.div(v, build.where(build.equal(length, 0), 1, sign));
  return build.squeeze(build.matMul(build.transposeLast(unit), centred), [c]);
}
