/** @file Operators that write, choose or reorder elements at places given by indices. */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, type Op, positionsOf, positive, scatterFlat, unsupported } from "./op.ts";

/** How a scatter operator writes updates to the places of its indices, and how they are read again. */
interface Places {
  write(data: Value, updates: Value, reduction?: string): Value;
  read(data: Value): Value;
}

/**
 * Writing (the last one wins where places repeat; the standard leaves them undefined), adding, multiplying, or the extreme.
 * d data = dy where nothing was written;  d updates = dy at their places.
 */
function scattered(c: Call, { write, read }: Places): readonly (Value | null)[] {
  const { build, attributes, node, needs } = c;
  const [data, , updates] = c.x;
  const [y] = c.y;
  const [dy] = c.dy;
  const zeros = build.zerosLike(updates);
  switch (attributes.string("reduction", "none")) {
    case "none":
      return [needs[0] ? write(dy, zeros) : null, null, needs[2] ? read(dy) : null];
    case "add":
      return [dy, null, needs[2] ? read(dy) : null];
    case "mul": {
      // A factor of zero leaves only its own gradient: the product of all others is taken with ones for zeros.
      const isZero = build.cast(build.equal(updates, 0), updates.type);
      const nothing = build.zerosLike(data);
      const product = write(build.add(nothing, 1), build.add(updates, isZero), "mul");
      const count = write(nothing, isZero, "add");
      const whole = build.mul(dy, build.mul(data, product));
      const others = build.less(build.sub(read(count), isZero), 0.5);
      return [
        build.where(build.less(count, 0.5), build.mul(dy, product), 0),
        null,
        needs[2] ? build.where(others, build.div(read(whole), build.add(updates, isZero)), 0) : null,
      ];
    }
    case "max":
    case "min": {
      // In equal parts to all that equal the result.
      const kept = build.cast(build.equal(data, y), dy.type);
      const chosen = build.cast(build.equal(updates, read(y)), dy.type);
      const fraction = build.div(dy, write(kept, chosen, "add"));
      return [build.mul(fraction, kept), null, needs[2] ? build.mul(read(fraction), chosen) : null];
    }
    default:
      return unsupported(node, `reduction "${attributes.string("reduction", "")}"`);
  }
}

export const ScatterElements: Op = {
  linear: [0, 2],
  vjp: (c) => {
    const { build, attributes } = c;
    const [, indices] = c.x;
    const axis = attributes.int("axis", 0);
    const opType = build.opset < 11 ? "Scatter" : "ScatterElements";
    return scattered(c, {
      write: (data, updates, reduction) =>
        build.op(opType, [data, indices, updates], { axis, ...(reduction && { reduction }) }, data.type, data.dims),
      read: (data) => {
        if (build.opset < 11) unsupported(c.node, "the gradient of its updates needs operator set 11");
        return build.op("GatherElements", [data, indices], { axis }, data.type, indices.dims);
      },
    });
  },
};
export { ScatterElements as Scatter };

export const ScatterND: Op = {
  linear: [0, 2],
  vjp: (c) => {
    const { build } = c;
    const [, indices, updates] = c.x;
    return scattered(c, {
      write: (data, updates, reduction) =>
        build.op("ScatterND", [data, indices, updates], reduction ? { reduction } : {}, data.type, data.dims),
      read: (data) => build.op("GatherND", [data, indices], undefined, data.type, updates.dims),
    });
  },
};

/** The gradient of each chosen value goes to where it was found. */
export const TopK: Op = {
  vjp: (c) => {
    const { build, attributes } = c;
    const [x] = c.x;
    const [dy] = c.dy;
    const given = c.y[1] ?? build.againAll(c.node, c.x, [dy, { type: DataType.INT64, dims: dy.dims }])[1];
    const opType = build.opset < 11 ? "Scatter" : "ScatterElements";
    const axis = positive([attributes.int("axis", -1)], rankOf(x))[0];
    return [build.op(opType, [build.zerosLike(x), given, dy], { axis }, dy.type, x.dims)];
  },
};

/** The elements or slices at which a condition holds. */
export const Compress: Op = {
  linear: [0],
  vjp: (c) => {
    const [x, condition] = c.x;
    const positions = c.build.again(c.node, [positionsOf(c, x), condition], DataType.INT64, c.y[0].dims);
    return [scatterFlat(c, x, positions, c.dy[0], false)];
  },
};

/** Each sequence turned round within its length: what undoes it is the same. */
export const ReverseSequence: Op = {
  linear: [0],
  vjp: ({ build, node, x: [x, lengths], dy: [dy] }) => [build.again(node, [dy, lengths], x.type, x.dims)],
};

/** Each element was put at a flat position of the output; where several were, the last is left, and all get its gradient. */
export const MaxUnpool: Op = {
  linear: [0],
  vjp: ({ build, x: [x, indices], dy: [dy] }) => {
    const flat = build.reshape(dy, [-1]);
    return [{ ...build.gather(flat, indices, 0), dims: x.dims }];
  },
};

/** The first of equal elements, or of equal slices along an axis, gets the gradient of the one that is left. */
export const Unique: Op = {
  linear: [0],
  vjp: (c) => {
    const { build, attributes, node } = c;
    const [x] = c.x;
    const [dy] = c.dy;
    const [, first] = build.againAll(node, c.x, [dy, { type: DataType.INT64, dims: [-1] }]);
    const axis = attributes.int("axis", undefined);
    const places = axis === undefined ? first : build.gather(positionsOf(c, x), first, positive([axis], rankOf(x))[0]);
    return [scatterFlat(c, x, places, dy, false)];
  },
};

/** Cut or padded around the centre: the backward pass is the same with the input's shape. */
export const CenterCropPad: Op = {
  linear: [0],
  vjp: ({ build, attributes, node, x: [x], dy: [dy] }) => {
    const axes = positive(attributes.ints("axes") ?? range(rankOf(x)), rankOf(x));
    const shape = build.concat(
      axes.map((axis) => build.dimOf(x, axis)),
      0,
    );
    return [build.again(node, [dy, shape], x.type, x.dims)];
  },
};

/** A cache with some of its places along an axis replaced by an update, from an index of each batch entry on. */
export const TensorScatter: Op = {
  linear: [0, 1],
  vjp: (c) => {
    const { build, attributes, needs, node } = c;
    const [past, update, indices] = c.x;
    const [dy] = c.dy;
    const rank = rankOf(past);
    const [axis] = positive([attributes.int("axis", -2)], rank);
    const kept = () => build.again(node, [dy, build.zerosLike(update), indices], dy.type, past.dims);
    const along = (v: Value, at: number) =>
      build.reshape(
        v,
        range(rank).map((i) => (i === at ? -1 : 1)),
      );
    const read = () => {
      const steps = along(build.iota(build.dimOf(update, axis)), axis);
      const start = indices ? build.add(along(indices, 0), steps) : steps;
      const at =
        attributes.string("mode", "linear") === "circular" ? modulo(build, start, build.dimOf(past, axis)) : start;
      const places = build.op("Expand", [at, build.shapeOf(update)], undefined, DataType.INT64, update.dims);
      return build.op("GatherElements", [dy, places], { axis }, dy.type, update.dims);
    };
    return [needs[0] ? kept() : null, needs[1] ? read() : null];
  },
};

const modulo = (build: Builder, a: Value, b: Value): Value => build.op("Mod", [a, b], undefined, a.type, a.dims);
