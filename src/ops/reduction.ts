/** @file Reductions over axes, given as an attribute or (ReduceSum from operator set 13, the others from 18) as an input. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, countOf, type Op, orInfinity, positive, restore, unsupported, zero } from "./op.ts";

/** The axes of a reduction: known, or (from operator set 18) an input that only the run knows. */
type Axes = readonly number[] | Value;

/** dx from the gradient and the result with their reduced dimensions put back as ones. */
type Spread = (call: Call, dy: Value, y: Value, axes: Axes) => Value;

const reduction = (spread: Spread, linear: readonly number[] = []): Op => ({
  linear,
  rows: (c, rows) => {
    const axes = reducedAxes(c);
    if (!isKnown(axes)) return undefined;
    const axis = range(rankOf(c.x[0])).filter((own) => isKept(c) || !axes.includes(own))[rows.axis];
    return axes.includes(axis) ? undefined : [{ ...rows, axis }];
  },
  vjp: (c) => {
    const [x] = c.x;
    const axes = reducedAxes(c);
    const kept = isKept(c);
    if (isKnown(axes)) {
      const [dy, y] = [c.dy[0], c.y[0]].map((v) => restore(c.build, v, x, axes, kept));
      return [spread(c, dy, y, axes)];
    }
    if (!kept) unsupported(c.node, "axes that are not constant, without keepdims");
    return [spread(c, c.dy[0], c.y[0], axes)];
  },
});

const isKept = ({ attributes }: Call): boolean => attributes.int("keepdims", 1) === 1;

function reducedAxes(c: Call): Axes {
  const rank = rankOf(c.x[0]);
  const given = c.attributes.ints("axes") ?? (c.x[1] ? c.constant(1) : undefined);
  if (c.x[1] && !given) return c.x[1];
  if (given?.length) return positive(given, rank);
  return c.attributes.int("noop_with_empty_axes", 0) === 1 ? [] : range(rank);
}

const isKnown = (axes: Axes): axes is readonly number[] => !("name" in axes);

/** A reduction of another tensor over the same axes, which stay as ones. */
const over = (build: Builder, opType: "ReduceSum" | "ReduceProd", x: Value, axes: Axes, like: Value): Value => {
  if (!isKnown(axes)) return build.op(opType, [x, axes], undefined, x.type, like.dims);
  if (opType === "ReduceSum" || axes.length === 0) return build.reduceSum(x, axes);
  return build.opset >= 18
    ? build.op(opType, [x, build.ints(axes)], undefined, x.type, like.dims)
    : build.op(opType, [x], { axes }, x.type, like.dims);
};

export const ReduceSum = reduction(({ build, x: [x] }, dy) => build.expandLike(dy, x), [0]);

// y = mean(x);  dx = dy / count
export const ReduceMean = reduction(
  ({ build, x: [x] }, dy, _y, axes) => {
    const [all, left] = [x, dy].map((v) => build.op("Size", [v], undefined, DataType.INT64, []));
    const count = isKnown(axes) ? countOf(build, x, axes) : build.cast(build.div(all, left), dy.type);
    return build.expandLike(build.div(dy, count), x);
  },
  [0],
);

export const ReduceSumSquare = reduction(({ build, x: [x] }, dy) => build.mul(dy, build.mul(x, 2)));
export const ReduceL1 = reduction(({ build, x: [x] }, dy) => build.mul(dy, build.sign(x)));

// y = |x|;  dx = dy x / y, and 0 where the norm is 0
export const ReduceL2 = reduction(({ build, x: [x] }, dy, y) => build.mul(dy, build.div(x, orInfinity(build, y))));

// y = log(sum x);  dx = dy / exp(y)
export const ReduceLogSum = reduction(({ build, x: [x] }, dy, y) => build.expandLike(build.div(dy, build.exp(y)), x));

// y = log(sum exp x);  dx = dy exp(x - y), 0 where every x is minus infinity
export const ReduceLogSumExp = reduction(({ build, x: [x] }, dy, y) =>
  build.mul(dy, build.exp(build.sub(x, build.where(build.greater(y, Number.NEGATIVE_INFINITY), y, 0)))),
);

/** The gradient goes to the elements that equal the result, in equal parts where several do (as torch.amax). */
const extreme = reduction(({ build, x: [x] }, dy, y, axes) => {
  const chosen = build.cast(build.equal(x, y), dy.type);
  return build.mul(build.div(dy, over(build, "ReduceSum", chosen, axes, y)), chosen);
});
export const ReduceMax = extreme;
export const ReduceMin = extreme;

// y = product;  dx_i = dy * product of the others: y / x_i, unless some x is 0
export const ReduceProd = reduction(({ build, x: [x] }, dy, y, axes) => {
  const isZero = build.cast(build.equal(x, 0), x.type);
  const zeros = over(build, "ReduceSum", isZero, axes, y);
  const safe = build.add(x, isZero); // zeros become ones
  const others = over(build, "ReduceProd", safe, axes, y);
  const alone = build.where(build.less(zeros, 0.5), build.div(y, safe), build.mul(others, isZero));
  return build.mul(dy, build.where(build.less(zeros, 1.5), alone, 0));
});

export { zero as ArgMax, zero as ArgMin };

/** Sums run along an axis, forwards or backwards, with or without the element itself: the adjoint runs the other way. */
export const CumSum: Op = {
  linear: [0],
  vjp: ({ build, attributes, x: [x, axis], dy: [dy] }) => {
    const exclusive = attributes.int("exclusive", 0);
    const reverse = 1 - attributes.int("reverse", 0);
    return [build.op("CumSum", [dy, axis], { exclusive, reverse }, x.type, x.dims)];
  },
};
