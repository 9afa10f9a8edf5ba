/** @file The determinant of a matrix. */
import { rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Op, unsupported } from "./op.ts";

const largestDeterminant = 12;

// d det / d x_ij = (-1)^(i+j) det(x without row i and column j): the determinants of all n^2 minors at once.
export const Det: Op = {
  vjp: ({ build, node, x: [x], dy: [dy] }) => {
    const rank = rankOf(x);
    const [batch, n] = [x.dims?.slice(0, -2) ?? [], x.dims?.at(-1) ?? -1];
    if (n < 0 || n > largestDeterminant) unsupported(node, `a matrix of more than ${largestDeterminant} rows`);
    const outer = (v: Value) => build.unsqueeze(build.unsqueeze(v, [rank - 2]), [rank - 1]);
    if (n === 1) return [outer(dy)];
    const others = range(n).flatMap((i) => range(n).filter((j) => j !== i));
    const cut = (v: Value, axis: number) => build.gather(v, build.ints(others), axis);
    const blocks = build.op(
      "Reshape",
      [cut(cut(x, rank - 2), rank - 1), build.ints([...batch.map(() => 0), n, n - 1, n, n - 1])],
      undefined,
      x.type,
    );
    const order = [...range(rank - 2), rank - 2, rank, rank - 1, rank + 1];
    const minors = build.transpose({ ...blocks, dims: [...batch, n, n - 1, n, n - 1] }, order);
    const determinants = build.op("Det", [minors], undefined, x.type, [...batch, n, n]);
    const signs = range(n * n).map((at) => ((Math.floor(at / n) + (at % n)) % 2 ? -1 : 1));
    return [build.mul(outer(dy), build.mul(determinants, build.floats(signs, [n, n], x.type)))];
  },
};
