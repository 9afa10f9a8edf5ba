/**
 * @file The builder: writes ONNX operators in their form for one operator set (9 and newer).
 *
 * A few identities keep the adjoint small where networks always have it: see `reduceMean`, `matMul` and `mul`.
 */
import { InternalError } from "../errors.ts";
import { broadcastDims, insertOnes, isStatic, product, range, reducedDims } from "./dims.ts";
import { type Arg, Emitter, type Value } from "./emit.ts";
import { DataType, float, makeNode, makeTensor } from "./proto.ts";
import { gradientType } from "./types.ts";

export type { Arg, Made, Value } from "./emit.ts";

export class Builder extends Emitter {
  // ----- Element-wise -----

  #binary(opType: string, a: Arg, b: Arg, type?: DataType): Value {
    const like = typeof a === "number" ? b : a;
    if (typeof like === "number") throw new InternalError(`${opType} of two numbers`);
    const [x, y] = [this.#scalar(a, like), this.#scalar(b, like)];
    return this.op(opType, [x, y], undefined, type ?? like.type, broadcastDims(x.dims, y.dims));
  }

  /** The runtime's broadcasting goes element by element where a tensor that ends in ones meets a constant of lower rank; so there it has the same. */
  #scalar(arg: Arg, like: Value): Value {
    if (typeof arg !== "number") return arg;
    if (like.type === DataType.INT64) return this.ints(arg);
    const dims = like.dims?.at(-1) === 1 ? like.dims.map(() => 1) : [];
    return this.floats(arg, dims, gradientType(like.type));
  }

  #unary(opType: string, x: Value, type?: DataType): Value {
    return this.op(opType, [x], undefined, type ?? x.type, x.dims);
  }

  add = (a: Arg, b: Arg): Value => this.#binary("Add", a, b);
  sub = (a: Arg, b: Arg): Value => this.#binary("Sub", a, b);
  div = (a: Arg, b: Arg): Value => this.#binary("Div", a, b);
  pow = (a: Arg, b: Arg): Value => this.#binary("Pow", a, b);
  neg = (x: Value): Value => this.#unary("Neg", x);
  abs = (x: Value): Value => this.#unary("Abs", x);
  exp = (x: Value): Value => this.#unary("Exp", x);
  log = (x: Value): Value => this.#unary("Log", x);
  sqrt = (x: Value): Value => this.#unary("Sqrt", x);
  sign = (x: Value): Value => this.#unary("Sign", x);
  relu = (x: Value): Value => this.#unary("Relu", x);
  tanh = (x: Value): Value => this.#unary("Tanh", x);
  sigmoid = (x: Value): Value => this.#unary("Sigmoid", x);
  erf = (x: Value): Value => this.#unary("Erf", x);
  not = (x: Value): Value => this.#unary("Not", x);
  greater = (a: Arg, b: Arg): Value => this.#binary("Greater", a, b, DataType.BOOL);
  less = (a: Arg, b: Arg): Value => this.#binary("Less", a, b, DataType.BOOL);
  and = (a: Value, b: Value): Value => this.#binary("And", a, b, DataType.BOOL);
  or = (a: Value, b: Value): Value => this.#binary("Or", a, b, DataType.BOOL);

  /** a * b; a factor of 1 costs nothing, nor does one that was expanded to what the other one spans by itself. */
  mul = (a: Arg, b: Arg): Value => {
    if (b === 1 && typeof a !== "number") return a;
    if (a === 1 && typeof b !== "number") return b;
    const x = this.#unexpanded(a, b);
    return this.#binary("Mul", x, this.#unexpanded(b, x));
  };

  #unexpanded(a: Arg, b: Arg): Arg {
    if (typeof a === "number" || typeof b === "number") return a;
    const before = this.from(a, "Expand")?.inputs[0];
    const [from, to, other] = [before?.dims, a.dims, b.dims];
    if (!before || !from || !to || from.length !== to.length || other?.length !== to.length) return a;
    return to.every((d, i) => d === from[i] || (d >= 0 && other[i] === d)) ? before : a;
  }

  /** Element-wise equality, as two comparisons, since Equal takes floats only from operator set 11. */
  equal = (a: Value, b: Arg): Value => this.not(this.or(this.greater(a, b), this.less(a, b)));

  /** 1 where x > 0, else 0, in the type of x. A steep HardSigmoid is one vectorised node, where Greater and Cast are two slow ones. */
  step(x: Value): Value {
    if (x.type !== DataType.FLOAT) return this.cast(this.greater(x, 0), x.type);
    // A power of two, so that the slope rounds nothing: exactly 0 up to 0, exactly 1 from 1e-30 on.
    return this.op("HardSigmoid", [x], { alpha: float(2 ** 100), beta: float(0) }, x.type, x.dims);
  }

  where(condition: Value, a: Arg, b: Arg): Value {
    const like = typeof a === "number" ? b : a;
    if (typeof like === "number") throw new InternalError("Where of two numbers");
    const [x, y] = [this.#scalar(a, like), this.#scalar(b, like)];
    const dims = broadcastDims(condition.dims, broadcastDims(x.dims, y.dims));
    return this.op("Where", [condition, x, y], undefined, like.type, dims);
  }

  cast(x: Value, to: DataType): Value {
    return x.type === to ? x : this.op("Cast", [x], { to }, to, x.dims);
  }

  sum(terms: readonly Value[]): Value {
    return terms.reduce((a, b) => this.add(a, b));
  }

  // ----- Reductions (dimensions are kept unless said otherwise) -----

  reduceSum(x: Value, axes: readonly number[], keep = true): Value {
    if (axes.length === 0) return x;
    return this.#reduceFrom(13, "ReduceSum", x, axes, keep);
  }

  /** Where a float tensor is largest along an axis, the first of equal places; int64. ONNX Runtime does not take all float types. */
  argMax(x: Value, axis: number, keep = true): Value {
    const dims = x.dims?.flatMap((d, i) => (i !== axis ? [d] : keep ? [1] : []));
    const attributes = { axis, keepdims: keep ? 1 : 0 };
    return this.op("ArgMax", [this.cast(x, DataType.FLOAT)], attributes, DataType.INT64, dims);
  }

  /** The mean over axes. The mean of what was only expanded along them is what it was before. */
  reduceMean(x: Value, axes: readonly number[], keep = true): Value {
    const expanded = this.from(x, "Expand")?.inputs[0];
    if (keep && expanded?.dims && x.dims?.length === expanded.dims.length) {
      const same = range(x.dims.length).every((i) =>
        axes.includes(i) ? expanded.dims?.[i] === 1 : expanded.dims?.[i] === x.dims?.[i],
      );
      if (same) return expanded;
    }
    return axes.length === 0 ? x : this.#reduceFrom(18, "ReduceMean", x, axes, keep);
  }

  reduceMax(x: Value, axes: readonly number[], keep = true): Value {
    return this.#reduceFrom(18, "ReduceMax", x, axes, keep);
  }

  reduceMin(x: Value, axes: readonly number[], keep = true): Value {
    return this.#reduceFrom(18, "ReduceMin", x, axes, keep);
  }

  /** `since`: the operator set from which the axes are an input. */
  #reduceFrom(since: number, opType: string, x: Value, axes: readonly number[], keep: boolean): Value {
    const keepdims = keep ? 1 : 0;
    const dims = reducedDims(x.dims, axes, keep);
    return this.opset >= since
      ? this.op(opType, [x, this.ints(axes)], { keepdims }, x.type, dims)
      : this.op(opType, [x], { axes, keepdims }, x.type, dims);
  }

  // ----- Linear algebra -----

  /** Batched matrix product. One-hot rows times a matrix are rows of it, gathered: what makes 1,000 classes as cheap as one. */
  matMul(a: Value, b: Value): Value {
    const rows = this.#oneHotRows(a);
    if (rows && b.dims?.length === 2)
      return this.op("Gather", [b, rows], { axis: 0 }, b.type, [rows.dims?.[0] ?? -1, b.dims[1]]);
    const batch = broadcastDims(a.dims?.slice(0, -2), b.dims?.slice(0, -2));
    const dims = batch && [...batch, ...(a.dims?.slice(-2, -1) ?? []), b.dims?.at(-1) ?? -1]; // one row has no rows
    return this.op("MatMul", [a, b], undefined, a.type, dims);
  }

  /** a @ b with b transposed on request, without moving a large b in memory. */
  gemm(a: Value, b: Value, { transA = false, transB = false } = {}): Value {
    const rows = transA ? undefined : this.#oneHotRows(a);
    if (rows) return this.matMul(a, transB ? this.transpose(b, [1, 0]) : b);
    const dims = a.dims && b.dims ? [a.dims[transA ? 1 : 0], b.dims[transB ? 0 : 1]] : undefined;
    const inputs = this.opset >= 11 ? [a, b] : [a, b, this.floats([0], undefined, a.type)]; // the addend became optional; WebGPU aborts on a scalar
    return this.op("Gemm", inputs, { transA: transA ? 1 : 0, transB: transB ? 1 : 0 }, a.type, dims);
  }

  /** One row per index, 1 at the index and 0 elsewhere: float [n, depth]. */
  oneHot(indices: Value, depth: Value, type = DataType.FLOAT, dims?: readonly number[]): Value {
    return this.op("OneHot", [indices, depth, this.floats([0, 1], undefined, type)], { axis: -1 }, type, dims);
  }

  #oneHotRows(x: Value): Value | undefined {
    const indices = this.from(x, "OneHot")?.inputs[0];
    return indices?.dims?.length === 1 ? indices : undefined;
  }

  // ----- Shapes -----

  /** The shape of a tensor, as a constant where it is known. */
  shapeOf(x: Value): Value {
    return x.dims && isStatic(x.dims)
      ? this.ints(x.dims)
      : this.op("Shape", [x], undefined, DataType.INT64, x.dims && [x.dims.length]);
  }

  /** One dimension of a tensor, as a list of one. */
  dimOf(x: Value, axis: number): Value {
    const known = x.dims?.[axis] ?? -1;
    return known >= 0 ? this.ints([known]) : this.gather(this.shapeOf(x), this.ints([axis]), 0);
  }

  /** Reshape to `dims`: at most one -1, which takes what remains. */
  reshape(x: Value, dims: readonly number[] | Value): Value {
    if ("name" in dims) return this.op("Reshape", [x, dims], undefined, x.type);
    if (isStatic(x.dims) && String(x.dims) === String(dims)) return x;
    const inferred = x.dims && isStatic(x.dims) ? product(x.dims) / -product(dims) : -1;
    return this.op(
      "Reshape",
      [x, this.ints(dims)],
      undefined,
      x.type,
      dims.map((d) => (d === -1 ? inferred : d)),
    );
  }

  /** Reshape to the shape of another tensor. */
  reshapeLike(x: Value, like: Value): Value {
    const { dims } = like;
    const simple = dims && dims.filter((d) => d < 0).length <= 1 && !dims.includes(0);
    const reshaped = this.reshape(x, simple ? dims : this.shapeOf(like));
    return { ...reshaped, dims };
  }

  transpose(x: Value, perm: readonly number[]): Value {
    if (perm.every((p, i) => p === i)) return x;
    return this.op("Transpose", [x], { perm }, x.type, x.dims && perm.map((p) => x.dims?.[p] ?? -1));
  }

  /** Swaps the last two axes. */
  transposeLast(x: Value): Value {
    const rank = rankOf(x);
    return this.transpose(x, [...range(rank - 2), rank - 1, rank - 2]);
  }

  unsqueeze(x: Value, axes: readonly number[]): Value {
    if (axes.length === 0) return x;
    const dims = x.dims && insertOnes(x.dims, axes);
    return this.opset >= 13
      ? this.op("Unsqueeze", [x, this.ints(axes)], undefined, x.type, dims)
      : this.op("Unsqueeze", [x], { axes }, x.type, dims);
  }

  squeeze(x: Value, axes: readonly number[]): Value {
    if (axes.length === 0) return x;
    const dims = x.dims?.filter((_, i) => !axes.includes(i));
    return this.opset >= 13
      ? this.op("Squeeze", [x, this.ints(axes)], undefined, x.type, dims)
      : this.op("Squeeze", [x], { axes }, x.type, dims);
  }

  /** Broadcasts x, of the same rank, to the shape of `like`. */
  expandLike(x: Value, like: Value): Value {
    const { dims } = like;
    if (x.dims && dims && x.dims.every((d, i) => d === dims[i])) return x;
    // Expand broadcasts both ways, so a dimension that x already has may be given as 1.
    const target = dims && x.dims && dims.map((d, i) => (x.dims?.[i] === 1 ? d : 1));
    const shape = target && isStatic(target) ? this.ints(target) : this.shapeOf(like);
    return this.op("Expand", [x, shape], undefined, x.type, dims);
  }

  /** Zeros of the shape of a tensor, in its gradient's type. */
  zerosLike(x: Value): Value {
    return this.zeros(this.shapeOf(x), gradientType(x.type), x.dims);
  }

  zeros(shape: Value, type: DataType, dims?: readonly number[]): Value {
    const zero =
      type === DataType.DOUBLE
        ? Float64Array.of(0)
        : type === DataType.INT64
          ? BigInt64Array.of(0n)
          : Float32Array.of(0);
    const value = { tensor: makeTensor("", type, [1], zero) };
    return this.emit([shape], [{ type, dims }], `zeros ${type} ${shape.name}`, (names) =>
      makeNode("ConstantOfShape", [shape.name], names, { value }),
    )[0];
  }

  // ----- Moving data -----

  concat(values: readonly Value[], axis: number): Value {
    const sizes = values.map((v) => v.dims?.[axis] ?? -1);
    const total = isStatic(sizes) ? sizes.reduce((a, b) => a + b, 0) : -1;
    const dims = values[0].dims?.map((d, i) => (i === axis ? total : d));
    return values.length === 1 ? values[0] : this.op("Concat", values, { axis }, values[0].type, dims);
  }

  gather(x: Value, indices: Value, axis: number): Value {
    const dims = x.dims && indices.dims && [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
    return this.op("Gather", [x, indices], { axis }, x.type, dims);
  }

  /** x[start:end] along one axis, with a step of 1. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    const length = (d: number) =>
      d >= 0 ? Math.min(end < 0 ? d + end : end, d) - start : end < 0 || end >= 2 ** 31 - 1 ? -1 : end - start;
    const dims = x.dims?.map((d, i) => (i === axis ? length(d) : d));
    return this.opset >= 10
      ? this.op("Slice", [x, this.ints([start]), this.ints([end]), this.ints([axis])], undefined, x.type, dims)
      : this.op("Slice", [x], { starts: [start], ends: [end], axes: [axis] }, x.type, dims);
  }

  /** Repeats each element over a block of whole factors, one for each axis. */
  upsample(x: Value, factors: readonly number[]): Value {
    const dims = x.dims?.map((d, i) => (d < 0 ? d : d * factors[i]));
    const scales = this.floats(factors);
    if (this.opset < 10) return this.op("Upsample", [x, scales], { mode: "nearest" }, x.type, dims);
    if (this.opset < 11) return this.op("Resize", [x, scales], { mode: "nearest" }, x.type, dims);
    const roi = this.opset < 13 ? this.floats([], [0]) : undefined;
    const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    return this.op("Resize", [x, roi, scales], attributes, x.type, dims);
  }

  /** Cuts x along an axis into pieces of the given sizes. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const outputs = sizes.map((size) => ({ type: x.type, dims: x.dims?.map((d, i) => (i === axis ? size : d)) }));
    if (sizes.length === 1) return [x];
    return this.opset >= 13
      ? this.ops("Split", [x, this.ints(sizes)], { axis }, outputs)
      : this.ops("Split", [x], { axis, split: sizes }, outputs);
  }

  /** Adds zeros before and after each axis (negative counts cut). */
  pad(x: Value, before: readonly number[], after: readonly number[]): Value {
    if ([...before, ...after].every((n) => n === 0)) return x;
    const pads = [...before, ...after];
    const dims = x.dims?.map((d, i) => (d < 0 ? d : d + before[i] + after[i]));
    return this.opset >= 11
      ? this.op("Pad", [x, this.ints(pads)], undefined, x.type, dims)
      : this.op("Pad", [x], { pads, mode: "constant", value: float(0) }, x.type, dims);
  }

  /** 0, 1, ... count-1 (int64), for a count that only the run knows ([1]). Range came later than NonZero. */
  iota(count: Value): Value {
    const ones = this.add(this.zeros(count, DataType.INT64, [-1]), 1);
    return this.reshape(this.op("NonZero", [ones], undefined, DataType.INT64, [1, -1]), [-1]);
  }

  // ----- Graphs inside nodes -----

  /** A builder for a graph inside a node of this one: it may read every tensor made here, and has names of its own. */
  nested(): Builder {
    return new Builder(this.opset, `${this.fresh()}/`);
  }
}

export function rankOf(x: Value): number {
  if (!x.dims) throw new InternalError(`rank of "${x.name}" is not known`);
  return x.dims.length;
}
