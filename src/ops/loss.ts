/** @file Losses: a score less than is good for a model, as a tensor. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import type { Call, Op } from "./op.ts";

/** -weight[target] x[target] along the classes (axis 1), as it is, summed, or over the sum of the weights. */
function negativeLikelihood(c: Call, x: Value): Value {
  const { build, attributes } = c;
  const [, labels, weight] = c.x;
  const target = build.cast(labels, DataType.INT64);
  const ignored = attributes.int("ignore_index", undefined);
  const counted = ignored === undefined ? undefined : build.not(same(build, target, ignored));
  const safe = counted ? build.where(counted, target, 0) : target;
  const chosen = build.op("GatherElements", [x, build.unsqueeze(safe, [1])], { axis: 1 }, x.type);
  const picked = build.squeeze({ ...chosen, dims: x.dims?.map((d, i) => (i === 1 ? 1 : d)) }, [1]);
  const ones = build.add(build.zerosLike(picked), 1);
  const each = weight ? build.gather(weight, safe, 0) : ones;
  const factor = counted ? build.where(counted, each, 0) : each;
  const loss = build.neg(build.mul(picked, factor));
  const axes = range(rankOf(picked));
  const total = (v: Value) => build.reduceSum(v, axes, false);
  switch (attributes.string("reduction", "mean")) {
    case "none":
      return loss;
    case "sum":
      return total(loss);
    default:
      return build.div(total(loss), total(factor));
  }
}

const same = (build: Builder, a: Value, b: number): Value =>
  build.op("Equal", [a, build.ints(b)], undefined, DataType.BOOL, a.dims);

export const NegativeLogLikelihoodLoss: Op = composed((c) => [negativeLikelihood(c, c.x[0])]);

/** The second output, the logarithms of the probabilities, has a gradient of its own. */
export const SoftmaxCrossEntropyLoss: Op = composed((c) => {
  const logarithms = logSoftmax(c.build, c.x[0]);
  return [negativeLikelihood(c, logarithms), logarithms];
});

/** Along the classes (axis 1). Before operator set 13 a LogSoftmax goes over all axes that follow, so the classes come last. */
function logSoftmax(build: Builder, x: Value): Value {
  const rank = rankOf(x);
  const named = (v: Value, axis: number) => build.op("LogSoftmax", [v], { axis }, v.type, v.dims);
  if (build.opset >= 13 || rank === 2) return named(x, 1);
  const last = [0, ...range(rank).slice(2), 1];
  const back = range(rank).map((axis) => last.indexOf(axis));
  return build.transpose(named(build.transpose(x, last), rank - 1), back);
}
