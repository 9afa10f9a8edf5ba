/**
 * @file Operators that move data: cutting, joining, gathering, padding. The adjoint of moving an element is to add its gradient
 * where it came from. Where that has no simpler form, the operator itself is run on the positions of the elements.
 */
import { rankOf, type Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { type Call, type Op, positionsOf, positive, scatterFlat, unsupported } from "./op.ts";
import { around, type Rows, spread } from "./rows.ts";
import { contract, eye } from "./separable.ts";

/** dx of an operator that only moves the elements of its first input. */
function moved(c: Call, repeated: boolean): Value {
  const positions = c.build.again(c.node, [positionsOf(c, c.x[0]), ...c.x.slice(1)], DataType.INT64, c.y[0].dims);
  return scatterFlat(c, c.x[0], positions, c.dy[0], repeated);
}

export const Concat: Op = {
  vjp: ({ build, attributes, x, dy: [dy], node }) => {
    const [axis] = positive([attributes.int("axis", 1)], rankOf(dy));
    const sizes = x.map((part) => part.dims?.[axis] ?? -1);
    if (isStatic(sizes)) return build.split(dy, axis, sizes);
    if (build.opset < 13)
      unsupported(
        node,
        `concatenation along axis ${axis}, whose size is only known at run time, needs operator set 13`,
      );
    const split = build.concat(
      x.map((part) => build.dimOf(part, axis)),
      0,
    );
    return build.ops(
      "Split",
      [dy, split],
      { axis },
      x.map(({ type, dims }) => ({ type, dims })),
    );
  },
};

export const Split: Op = {
  linear: [0],
  vjp: ({ build, attributes, dy }) => [build.concat(dy, positive([attributes.int("axis", 0)], rankOf(dy[0]))[0])],
};

export const Slice: Op = {
  linear: [0],
  rows: (c, rows) => (sliced(c)?.every(({ axis }) => axis !== rows.axis) ? [rows] : undefined),
  picks: (c) => {
    const [rows, ...more] = sliced(c) ?? [];
    return rows && more.length === 0 ? { rows, value: c.dy[0] } : undefined;
  },
  vjp: (c) => {
    const rows = sliced(c);
    return [rows ? around(c.build, c.dy[0], rows) : moved(c, false)];
  },
};

/**
 * The rows that are left along each axis from which some are cut, where that is known and every step is 1. Attributes up to operator
 * set 9, then inputs.
 */
function sliced(c: Call): Rows[] | undefined {
  const { attributes, opset } = c;
  const [x] = c.x;
  const argument = (input: number, name: string) =>
    opset < 10 ? attributes.ints(name) : c.x[input] ? c.constant(input) : undefined;
  const [starts, ends] = [argument(1, "starts"), argument(2, "ends")];
  const axes = argument(3, "axes") ?? (c.x[3] ? undefined : starts && range(starts.length));
  const steps = argument(4, "steps") ?? (c.x[4] ? undefined : starts?.map(() => 1));
  if (!starts || !ends || !axes || steps?.some((s) => s !== 1) !== false) return undefined;
  const left = positive(axes, rankOf(x)).map((axis, i) => {
    const size = x.dims?.[axis] ?? -1;
    if (starts[i] === 0 && ends[i] >= unbounded) return { axis, start: 0, end: size, size, outer: 1, inner: 1 };
    const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    const start = clamp(starts[i]);
    return { axis, start, end: Math.max(start, clamp(ends[i])), size, outer: 1, inner: 1 };
  });
  const cut = left.filter(({ start, end, size }) => start > 0 || end < size);
  return left.every(({ start, end, size }) => size >= 0 || end - start === size) ? cut : undefined;
}

/** From here on an end means: all that there is. */
const unbounded = 2 ** 31 - 1;

/** With a constant margin the adjoint cuts it off; the margins of reflection, edge and wrap are a matrix along each axis. */
export const Pad: Op = {
  linear: [0],
  vjp: (c) => {
    const { build, attributes, node, opset } = c;
    const [x] = c.x;
    const rank = rankOf(x);
    const pads = opset < 11 ? attributes.ints("pads") : c.constant(1);
    if (!pads) return [computedPad(c)];
    const axes = c.x[3] ? positive(c.constant(3) ?? [], rank) : range(rank);
    const side = (offset: number) => range(rank).map((a) => (axes.includes(a) ? pads[offset + axes.indexOf(a)] : 0));
    const [before, after] = [side(0), side(axes.length)];
    const mode = attributes.string("mode", "constant");
    if (mode === "constant")
      return [
        build.pad(
          c.dy[0],
          before.map((n) => -n),
          after.map((n) => -n),
        ),
      ];
    return [
      range(rank).reduce((dy, axis) => {
        if (!before[axis] && !after[axis]) return dy;
        const [input, output] = [x.dims?.[axis] ?? -1, c.y[0].dims?.[axis] ?? -1];
        if (input < 0) unsupported(node, `axis ${axis} of "${x.name}" is not known`);
        const margins = [before[axis], 0, after[axis], 0];
        const matrix = eye(build, input, x);
        const padded =
          build.opset < 11
            ? build.op("Pad", [matrix], { mode, pads: margins }, x.type, [output, input])
            : build.op("Pad", [matrix, build.ints(margins)], { mode }, x.type, [output, input]);
        return contract(build, dy, axis, padded);
      }, c.dy[0]),
    ];
  },
};

/** Pads that the run works out ("same" padding of a traced TensorFlow net): the adjoint pads by their opposites. */
function computedPad({ build, attributes, node, x: [x, pads, , axes], dy: [dy] }: Call): Value {
  const mode = attributes.string("mode", "constant");
  if (mode !== "constant") unsupported(node, `mode "${mode}" with pads that are not constant`);
  const back = build.neg(pads);
  return build.op("Pad", axes ? [dy, back, undefined, axes] : [dy, back], undefined, x.type, x.dims);
}

export const Gather: Op = {
  linear: [0],
  picks: gathered,
  vjp: (c) => {
    const { build, attributes } = c;
    const [x, indices] = c.x;
    const [dy] = c.dy;
    const rank = rankOf(x);
    const [axis] = positive([attributes.int("axis", 0)], rank);
    const size = x.dims?.[axis] ?? -1;
    const picked = gathered(c);
    if (picked) return [spread(build, picked.value, picked.rows)];
    const chosen = c.constant(1);
    const unique = chosen !== undefined && size >= 0 && new Set(positive(chosen, size)).size === chosen.length;
    if (unique || build.opset >= 16) return [moved(c, !unique)];
    // Indices may repeat: one-hot rows, transposed, add them up.
    const [lead, trail] = [x.dims?.slice(0, axis) ?? [], x.dims?.slice(axis + 1) ?? []];
    if (!isStatic(trail))
      unsupported(c.node, "repeated indices together with a dynamic dimension need operator set 16");
    const flat = build.reshape(build.cast(indices, DataType.INT64), [-1]);
    const rows = build.oneHot(flat, build.reshape(build.dimOf(x, axis), []), dy.type, [-1, size]);
    const count = indices.dims && isStatic(indices.dims) ? product(indices.dims) : -1;
    const block = build.reshape(dy, [isStatic(lead) ? product(lead) : -1, count, product(trail)]);
    return [build.reshapeLike(build.matMul(build.transpose(rows, [1, 0]), block), x)];
  },
};

/** What a Gather of one index, or of several that follow each other, picks. */
function gathered({ build, attributes, x: [x, indices], dy: [dy], constant }: Call) {
  const [axis] = positive([attributes.int("axis", 0)], rankOf(x));
  const [size, rank] = [x.dims?.[axis] ?? -1, indices.dims?.length ?? 2];
  const chosen = positive(constant(1) ?? [], size);
  const [start] = chosen;
  if (size < 0 || rank > 1 || chosen.length === 0 || chosen.some((at, i) => at !== start + i)) return undefined;
  const rows = { axis, start, end: start + chosen.length, size, outer: 1, inner: 1 };
  return { rows, value: rank === 0 ? build.unsqueeze(dy, [axis]) : dy };
}

export const GatherElements: Op = { linear: [0], vjp: (c) => [elementsScatter(c)] };

/** Gathering along an axis with an index for each element: scatter-add along the same axis. */
function elementsScatter(c: Call): Value {
  const { build, attributes } = c;
  const [x, indices] = c.x;
  if (build.opset < 16) return moved(c, true);
  const zeros = build.zerosLike(x);
  return build.op(
    "ScatterElements",
    [zeros, indices, c.dy[0]],
    { axis: attributes.int("axis", 0), reduction: "add" },
    x.type,
    x.dims,
  );
}

/** The indices are places of their own batch. */
export const GatherND: Op = {
  linear: [0],
  vjp: (c) => [moved(c, true)],
};

// y has every element repeats_i times along axis i: sum them.
export const Tile: Op = {
  linear: [0],
  vjp: (c) => {
    const { build } = c;
    const [x] = c.x;
    const repeats = c.constant(1);
    if (!repeats || !x.dims || x.dims.filter((d) => d < 0).length > 1) return [moved(c, true)];
    const blocks = x.dims.flatMap((d, i) => [repeats[i], d]);
    const summed = build.reduceSum(
      build.reshape(c.dy[0], blocks),
      range(x.dims.length).map((i) => 2 * i),
      false,
    );
    return [build.reshapeLike(summed, x)];
  },
};

// The upper or lower triangle passes.
export const Trilu: Op = {
  linear: [0],
  vjp: ({ build, attributes, x: [x, k], dy: [dy] }) => [
    build.op("Trilu", [dy, k], { upper: attributes.int("upper", 1) }, x.type, x.dims),
  ],
};
