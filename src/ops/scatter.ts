/** @file Operators that write, choose or reorder elements at places given by indices. */
import { rankOf, type Value } from "../onnx/build.ts";
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
      const share = build.div(dy, write(kept, chosen, "add"));
      return [build.mul(share, kept), null, needs[2] ? build.mul(read(share), chosen) : null];
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
