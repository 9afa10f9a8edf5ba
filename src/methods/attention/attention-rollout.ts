/**
 * @file Attention rollout (Abnar and Zuidema 2020, arXiv 2005.00928): how much of each patch arrives at the class token through all blocks.
 *
 *   A'_l = norm( fuse_h A_lh + I ),   R = A'_L ... A'_1,   L_j = R[class, j]
 *
 * norm divides each row by its sum. Only the row that is read goes back, a vector through each matrix. With `discard`, as in vit-explain (Gildenblat
 * 2020), that share of the smallest weights of each block is 0 before; the first token's weight of itself stays.
 */

import type { Builder, Value } from "../../onnx/build.ts";
import { product } from "../../onnx/dims.ts";
import { DataType } from "../../onnx/proto.ts";
import type { MethodOption } from "../method.ts";
import {
  attentionMethod,
  backwards,
  blocksOption,
  type Fusion,
  fused,
  headsOption,
  lastOf,
  ofAttentionsAlone,
  through,
} from "./attention-map.ts";

const discardOption: MethodOption = {
  ...{ name: "discard", default: 0, compiles: true },
  range: "a number from 0 to below 1",
  fits: (value) => typeof value === "number" && value >= 0 && value < 1,
};

/** The weights of each image, [n, queries, keys], without a share of the smallest. */
function kept(build: Builder, weights: Value, discard: number): Value {
  const [, queries = 1, keys = 1] = weights.dims ?? [];
  const size = product([queries, keys]);
  const most = size - Math.floor(size * discard);
  if (most === size) return weights;
  const rows = build.reshape(weights, [-1, size]);
  const outputs = [
    { type: weights.type, dims: [-1, most] },
    { type: DataType.INT64, dims: [-1, most] },
  ];
  const [largest = rows] =
    build.opset < 10
      ? build.ops("TopK", [rows], { axis: -1, k: most }, outputs)
      : build.ops("TopK", [rows, build.ints([most])], { axis: -1 }, outputs);
  const least = build.slice(largest, 1, most - 1, most);
  const first = build.floats([1, ...Array(size - 1).fill(0)], [1, size], weights.type);
  const stays = build.or(build.not(build.less(rows, least)), build.greater(first, 0));
  return { ...build.reshape(build.where(stays, rows, 0), [-1, queries, keys]), dims: weights.dims };
}

export const attentionRollout = attentionMethod(
  (options) =>
    ofAttentionsAlone((parts) => {
      const { build, weights } = parts;
      return backwards(parts, weights.slice(-lastOf(options)), (shares, block, skips) => {
        const matrix = kept(build, fused(build, block, options.heads as Fusion), Number(options.discard));
        const sums = build.transposeLast(build.reduceSum(matrix, [2]));
        const [total, own] = skips ? [build.add(sums, 1), true] : [sums, false];
        const scaled = build.div(shares, build.where(build.greater(total, 0), total, 1));
        const arrived = through(build, scaled, matrix);
        return own ? build.add(arrived, scaled) : arrived;
      });
    }),
  {
    name: "attention-rollout",
    title: "Attention Rollout",
    summary:
      "How much of each patch arrives at the class token through all blocks of a transformer, whatever the class.",
    paper: "Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928",
    cost: "1, for all classes together",
    options: [headsOption, discardOption, blocksOption("all")],
    classIndependent: true,
  },
);
