/**
 * @file What is known of an ONNX operator, and the ideas that rules share.
 *
 * The answer to "gradient?" is one of three: a rule, a declared zero, or (not in the table) unsupported. A rule says what the
 * vector-Jacobian product of one node is: given dy, the gradient of the score with respect to its outputs, the gradient with
 * respect to each input. It only builds ONNX nodes; nothing runs.
 */
import { UserError } from "../errors.ts";
import type { Body } from "../onnx/bodies.ts";
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { insertOnes, isStatic, product, range } from "../onnx/dims.ts";
import { type Attributes, describe } from "../onnx/model.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { gradientType } from "../onnx/types.ts";
import { aligned, type Rows, type RowsOfInputs, regrouped } from "./rows.ts";

/** A graph inside a node (If, Loop, Scan), as a rule sees it. What it reads of the outer graph goes by its name there. */
export interface Inside extends Body {
  /** Tensors of the graph that change when those in `wrt` do. */
  dependents(wrt: Iterable<string>): ReadonlySet<string>;
  /**
   * The reverse sweep over the graph, in nodes of `build`, which must have adopted its nodes.
   * @returns the gradients of those tensors in `wrt` that any of the seeded ones depends on.
   */
  differentiate(build: Builder, seeds: ReadonlyMap<string, Value>, wrt: readonly string[]): ReadonlyMap<string, Value>;
}

/** Tensors of a node in order; the first is always there where a rule looks for one. */
export type Values = readonly [Value, ...Value[]];

export const valuesOf = (tensors: readonly Value[]): Values => tensors as Values;

/** The graph around a node, for rules that look at what lies before and behind it. */
export interface Neighbours {
  producer(name: string): NodeProto | undefined;
  consumers(name: string): readonly NodeProto[];
  /** A tensor of the forward pass. */
  value(name: string): Value;
  /** The numbers of a constant. */
  numbers(name: string): readonly number[] | undefined;
  /** Whether it changes with what is differentiated with respect to. */
  active(name: string): boolean;
  /** Whether the sweep starts at it. */
  seeded(name: string): boolean;
}

/** One node, as a rule sees it. Half-precision tensors and quantised steps appear as float32. */
export interface Call {
  readonly node: NodeProto;
  readonly attributes: Attributes;
  readonly build: Builder;
  /** The names of its inputs, followed by those of the outer tensors that graphs inside it read; in this order are x and needs. */
  readonly inputs: readonly string[];
  /** Inputs; a hole where an optional one is absent. */
  readonly x: Values;
  readonly y: Values;
  /** The types that the outputs have in the model. */
  readonly outputTypes: readonly DataType[];
  /** Gradients of the outputs, with the shape of y; zeros for an output that the score does not depend on. */
  readonly dy: Values;
  /** Whether the gradient of an input is asked for: a rule may leave out the others. */
  readonly needs: readonly boolean[];
  /** The operator set whose semantics the node has. */
  readonly opset: number;
  /** The numbers of an input that is a constant. */
  constant(input: number): readonly number[] | undefined;
  /** What is known of the operator of a node, for rules that go through nodes of their own making. */
  operator(node: NodeProto): Op | undefined;
  /** The graph inside the node that is the attribute of this name. */
  inside(name: string): Inside;
  readonly around: Neighbours;
}

/** The gradient of each input, in order; null (or nothing) where none flows. */
export type Rule = (call: Call) => readonly (Value | null)[];

export interface Op {
  /** The vector-Jacobian product; "zero" where the output does not change with small changes of the input. */
  readonly vjp: Rule | "zero";
  /** Inputs in which the output is affine while the others stay as they are: there the adjoint identity is exact. */
  readonly linear?: readonly number[];
  /** What rows of its output are made of, where each is made of the same row of the inputs alone. */
  readonly rows?: (call: Call, rows: Rows) => RowsOfInputs | undefined;
  /** Where its output is some rows of the first input: which, and their gradient. */
  readonly picks?: (call: Call) => { readonly rows: Rows; readonly value: Value } | undefined;
  /** Of a whole attention: what it weighs values with, and those, in nodes of their own. */
  readonly attends?: Attends;
  /** The output's integers stand for numbers, so that gradients pass through them. */
  readonly quantizes?: boolean;
  /** Why the operator has no rule at all: the documented refusal. */
  readonly refuses?: string;
}

export interface Attends {
  /** Which input holds the values, or what they are made of. */
  readonly values: number;
  /** The weights [n, heads, queries, keys], and the values [n, heads, keys, size]. */
  readonly parts: (call: Call) => { readonly weights: Value; readonly v: Value };
}

/** A declared zero: shapes, comparisons, rounding, indices. */
export const zero: Op = { vjp: "zero" };

/** An operator of one input applied to each element: dx = dy * derivative. */
export const elementwise = (derivative: (call: Call) => Value): Op => ({
  rows: aligned,
  vjp: (c) => [c.build.mul(c.dy[0], derivative(c))],
});

/** An operator that only gives the same elements another shape. */
export const reshaping: Op = {
  linear: [0],
  rows: regrouped,
  vjp: ({ build, x: [x], dy: [dy] }) => [build.reshapeLike(dy, x)],
};

/** An operator without effect on values. */
export const identity: Op = { linear: [0], rows: aligned, vjp: ({ dy: [dy] }) => [dy] };

/** Ends a rule that has no form for this node. */
export function unsupported(node: NodeProto, why: string): never {
  throw new UserError("unsupported-operator", `unsupported operator: ${describe(node)}: ${why}`);
}

/** Ends a rule for a node that depends on the whole batch, or on chance. */
export const inTraining = (node: NodeProto): never =>
  unsupported(
    node,
    "training mode; export the model for inference: model.eval(), and in torch.onnx.export training=TrainingMode.EVAL",
  );

/** An operator through which no gradient is taken, and why. */
export const refused = (why: string): Op => ({ refuses: why, vjp: ({ node }) => unsupported(node, why) });

/** The gradient of a tensor that was broadcast to the shape of dy: summed over the axes along which it was repeated. */
export function unbroadcast(build: Builder, dy: Value, x: Value): Value {
  const [to, from] = [dy.dims, x.dims];
  if (!to || !from) return dy;
  const lead = to.length - from.length;
  const repeated = range(to.length).filter((i) => i < lead || (from[i - lead] === 1 && to[i] !== 1));
  const summed = build.reduceSum(dy, repeated);
  return lead > 0 ? build.squeeze(summed, range(lead)) : summed;
}

/** Axes counted from the front. */
export const positive = (axes: readonly number[], rank: number): number[] => axes.map((a) => (a < 0 ? a + rank : a));

/** Puts back the dimensions that a reduction removed, as ones. */
export function restore(build: Builder, dy: Value, x: Value, axes: readonly number[], kept: boolean): Value {
  if (kept || axes.length === 0) return dy;
  const dims =
    x.dims &&
    insertOnes(
      x.dims.filter((_, i) => !axes.includes(i)),
      axes,
    );
  return { ...build.unsqueeze(dy, axes), dims };
}

/**
 * A tensor of no negative numbers, by which a rule divides, with infinity in place of zero: a function that is finite where its slope is
 * infinite (a root or a norm at 0) gets the gradient 0 there, and never 0 / 0.
 */
export const orInfinity = (build: Builder, x: Value): Value =>
  build.where(build.greater(x, 0), x, Number.POSITIVE_INFINITY);

/** How many elements lie along some axes: a number where that is known, else a scalar of the run. */
export function countOf(build: Builder, x: Value, axes: readonly number[]): Value | number {
  const sizes = axes.map((axis) => x.dims?.[axis] ?? -1);
  if (isStatic(sizes)) return product(sizes);
  const count = axes.map((axis) => build.dimOf(x, axis)).reduce((a, b) => build.mul(a, b));
  return build.cast(build.reshape(count, []), gradientType(x.type));
}

/** The spatial axes of a tensor [N, C, ...]. */
export const spatialAxes = (x: Value): number[] => range(rankOf(x)).slice(2);

/** The spatial dimensions of a tensor [N, C, ...]; an error where they are not known. */
export function spatialDims({ node }: Call, x: Value): number[] {
  const dims = x.dims?.slice(2) ?? [-1];
  if (!isStatic(dims))
    unsupported(
      node,
      `the spatial dimensions of "${x.name}" are not known; give the input's sizes: --input-shape 1x3x224x224, or inputShapes in the library`,
    );
  return dims;
}

/**
 * Adds the elements of `updates` to zeros of the shape of `like`, at flat positions (int64, row-major, one for each element).
 * Positions may repeat only if `repeated`, which needs operator set 11.
 */
export function scatterFlat(c: Call, like: Value, positions: Value, updates: Value, repeated: boolean): Value {
  const { build, node } = c;
  if (repeated && build.opset < 11)
    unsupported(node, `its gradient needs operator set 11, the model has ${build.opset}`);
  const size = isStatic(like.dims) && like.dims ? [product(like.dims)] : undefined;
  const count = size ? build.ints(size) : build.op("Size", [like], undefined, DataType.INT64, []);
  const zeros = build.zeros(size ? count : build.reshape(count, [1]), updates.type, size ?? [-1]);
  const [at, values] = [build.reshape(positions, [-1]), build.reshape(updates, [-1])];
  const adds = repeated && build.opset >= 16;
  const inputs = [zeros, ...(repeated && !adds ? addRepeated(build, at, values) : [at, values])];
  const opType = build.opset < 11 ? "Scatter" : "ScatterElements";
  const flat = build.op(opType, inputs, { axis: 0, ...(adds && { reduction: "add" }) }, updates.type, zeros.dims);
  return build.reshapeLike(flat, like);
}

/**
 * Each position once, with the sum of its values, for the operator sets in which no node adds at repeated positions. In sorted
 * order the running sum rises by that sum over a run of equal positions; in double precision, since the run's part may be small.
 */
function addRepeated(build: Builder, positions: Value, values: Value): [Value, Value] {
  const many = { type: DataType.INT64, dims: [-1] };
  const count = build.op("Shape", [positions], undefined, DataType.INT64, [1]);
  const [sorted, order] = build.ops("TopK", [positions, count], { axis: 0, largest: 0 }, [many, many]);
  const inOrder = build.cast(build.gather(values, order, 0), DataType.DOUBLE);
  const running = build.op("CumSum", [inOrder, build.ints(0)], undefined, DataType.DOUBLE, [-1]);
  const cut = (v: Value, start: number, end: number): Value => ({ ...build.slice(v, 0, start, end), dims: [-1] });
  const next = build.concat([cut(sorted, 1, Number.MAX_SAFE_INTEGER), build.ints([-1])], 0);
  const lastOfRun = build.op(
    "NonZero",
    [build.cast(build.sub(sorted, next), DataType.FLOAT)],
    undefined,
    DataType.INT64,
    [1, -1],
  );
  const ends = build.reshape(lastOfRun, [-1]);
  const sums = build.gather(running, ends, 0);
  const before = build.concat([build.floats([0], undefined, DataType.DOUBLE), cut(sums, 0, -1)], 0);
  return [build.gather(sorted, ends, 0), build.cast(build.sub(sums, before), values.type)];
}

/** The flat positions of a tensor's elements, in its own shape: what an operator that only moves data makes of them tells where each came from. */
export function positionsOf({ build }: Call, x: Value): Value {
  const count = build.reshape(build.op("Size", [x], undefined, DataType.INT64, []), [1]);
  return build.reshapeLike(build.iota(count), x);
}

/**
 * 1 where a Clip lets its input through, else 0; undefined for a Clip without bounds. Read off the output, so that the runtime may
 * still fuse the Clip with what comes before it.
 */
export function clipMask({ build, attributes, x, y: [y], opset, constant }: Call): Value | undefined {
  const bound = (name: string, input: number): Value | number | undefined => {
    if (opset < 11) return attributes.has(name) ? attributes.float(name, 0) : undefined;
    return constant(input)?.[0] ?? x[input];
  };
  // The largest float is how some exporters write "no bound".
  const given = (value: Value | number | undefined) =>
    typeof value === "number" && Math.abs(value) > 3e38 ? undefined : value;
  const [low, high] = [given(bound("min", 1)), given(bound("max", 2))];
  // Between two numbers the product of the distances is positive.
  if (typeof low === "number" && typeof high === "number")
    return build.step(build.mul(low === 0 ? y : build.sub(y, low), build.sub(high, y)));
  const above = low === undefined ? undefined : build.sub(y, low);
  const below = high === undefined ? undefined : build.sub(high, y);
  const inside = [above, below].filter((distance) => distance !== undefined).map((distance) => build.step(distance));
  return inside.length === 2 ? build.mul(inside[0], inside[1]) : inside[0];
}
