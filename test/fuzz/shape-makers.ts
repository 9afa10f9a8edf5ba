/** @file Makers of nodes that move elements: shapes, slices, indices. */
import { insertOnes, product, range } from "../../src/onnx/dims.ts";
import { type Attributes, bools } from "../models.ts";
import { Impossible, type Maker, type Making } from "./making.ts";

/** A shape of as many elements. */
function reshaped(m: Making, dims: readonly number[]): number[] {
  const all = product(dims);
  if (all === 0) throw new Impossible();
  const rank = m.draw.int(1, 4);
  const shape: number[] = [];
  let rest = all;
  for (let i = 1; i < rank; i++) {
    const factors = range(rest)
      .map((d) => d + 1)
      .filter((d) => rest % d === 0);
    shape.push(m.draw.pick(factors));
    rest /= shape[shape.length - 1];
  }
  shape.push(rest);
  return shape;
}

/** Places along an axis; negative ones count from the end. */
const places = (m: Making, size: number, count: number, distinct = false): number[] => {
  const chosen = distinct ? m.draw.sample(range(size), count) : range(count).map(() => m.draw.int(0, size - 1));
  return chosen.map((at) => (m.opset >= 11 && m.draw.chance(0.2) ? at - size : at));
};

const wide = (m: Making) => m.tensor(({ dims }) => dims.length > 0 && product(dims) > 0);
const image = (m: Making, fits: (dims: readonly number[]) => boolean = () => true) =>
  m.ofRank(4, 4, ({ dims }) => fits(dims));

export const shapeMakers: Readonly<Record<string, Maker>> = {
  Transpose: (m) => {
    const x = wide(m);
    m.node("Transpose", [x.name], m.draw.chance(0.2) ? {} : { perm: m.draw.sample(range(x.dims.length), 9) });
  },
  Reshape: (m) => {
    const x = wide(m);
    const shape = reshaped(m, x.dims);
    if (m.draw.chance(0.4)) shape[m.draw.int(0, shape.length - 1)] = -1;
    m.node("Reshape", [x.name, m.ints(shape)]);
  },
  "Reshape, zeros": (m) => {
    const x = m.ofRank(2, 5);
    m.node("Reshape", [x.name, m.ints([0, -1])]);
  },
  Flatten: (m) => {
    const x = wide(m);
    m.node("Flatten", [x.name], m.draw.chance(0.5) ? {} : { axis: m.draw.int(0, x.dims.length) });
  },
  Squeeze: (m) => {
    const x = m.tensor(({ dims }) => dims.includes(1));
    const ones = range(x.dims.length).filter((i) => x.dims[i] === 1);
    if (!m.free && m.draw.chance(0.3)) return m.node("Squeeze", [x.name]);
    m.listed(13, "Squeeze", x.name, "axes", m.draw.sample(ones, m.draw.int(1, ones.length)).sort());
  },
  Unsqueeze: (m) => {
    const x = m.ofRank(0, 3);
    const axes = m.axes(x.dims.length + m.draw.int(1, 2)).slice(0, 2);
    if (insertOnes(x.dims, axes).includes(undefined as unknown as number)) throw new Impossible();
    m.listed(13, "Unsqueeze", x.name, "axes", axes);
  },
  Expand: (m) => {
    m.since(8);
    const x = m.ofRank(0, 3);
    const shape = x.dims.map((d) => (d === 1 ? m.draw.int(1, 3) : m.draw.chance(0.3) ? 1 : d));
    m.node("Expand", [x.name, m.ints(m.draw.chance(0.3) ? [2, ...shape] : shape)]);
  },
  "Expand, by a Shape": (m) => {
    m.since(8);
    const x = m.ofRank(1, 5);
    const small = m.node("ReduceMean", [x.name], m.opset < 18 ? { axes: [0] } : {});
    m.node("Expand", [small, m.node("Shape", [x.name])]);
  },
  Concat: (m) => {
    const x = wide(m);
    const axis = m.axis(x.dims.length);
    const same = (dims: readonly number[]) =>
      dims.length === x.dims.length &&
      dims.every((d, i) => i === (axis + dims.length) % dims.length || d === x.dims[i]);
    const parts = range(m.draw.int(1, 3)).map(() =>
      m.draw.chance(0.3) ? m.weights(x.dims) : m.tensor(({ dims }) => same(dims)).name,
    );
    m.node("Concat", m.draw.sample([x.name, ...parts], 4), { axis });
  },
  Split: (m) => {
    const x = m.tensor(({ dims }) => dims.some((d) => d > 1));
    const axis = m.draw.pick(range(x.dims.length).filter((i) => x.dims[i] > 1));
    const first = m.draw.int(1, x.dims[axis] - 1);
    const sizes = [first, x.dims[axis] - first];
    const parts =
      m.opset < 13
        ? m.nodes("Split", [x.name], { axis, split: sizes }, { outputs: 2 })
        : m.nodes("Split", [x.name, m.ints(sizes)], { axis }, { outputs: 2 });
    if (first === sizes[1] && m.draw.chance(0.5)) m.node("Mul", parts);
  },
  Slice: (m) => {
    const x = wide(m);
    const axes = m.axes(x.dims.length, m.free ? 1 : 0);
    const step = axes.map(() => (m.opset >= 10 ? m.draw.pick([1, 1, 2, 3, -1, -2]) : 1));
    const low = axes.map((a) => m.draw.int(0, x.dims[a] - 1));
    const high = axes.map((a, i) => m.draw.int(low[i] + 1, x.dims[a] + 2));
    const starts = step.map((s, i) => (s > 0 ? low[i] : high[i] - 1));
    const ends = step.map((s, i) => (s > 0 ? high[i] : low[i] - 1 - (low[i] === 0 ? x.dims[axes[i]] : 0)));
    if (m.opset < 10) m.node("Slice", [x.name], { starts, ends, axes });
    else m.node("Slice", [x.name, m.ints(starts), m.ints(ends), m.ints(axes), m.ints(step)]);
  },
  Pad: (m) => {
    const x = m.ofRank(1, 4, ({ dims }) => product(dims) > 0);
    const mode = m.draw.pick(m.opset >= 19 ? ["constant", "reflect", "edge", "wrap"] : ["constant", "reflect", "edge"]);
    const most = (i: number) => (mode === "constant" ? 2 : Math.min(2, x.dims[i] - 1));
    const least = mode === "constant" ? -1 : 0;
    const pads = [...x.dims, ...x.dims].map((d, i) => (d > 2 ? m.draw.int(least, most(i % x.dims.length)) : 0));
    m.listed(11, "Pad", x.name, "pads", pads, { mode });
  },
  Gather: (m) => {
    const x = wide(m);
    const axis = m.axis(x.dims.length);
    const size = x.dims.at(axis) ?? 1;
    const dims = m.draw.pick([[], [1], [3], [2, 2]]);
    m.node("Gather", [x.name, m.ints(places(m, size, product(dims)), dims)], { axis });
  },
  GatherElements: (m) => {
    m.since(11);
    const x = wide(m);
    const axis = m.draw.int(0, x.dims.length - 1);
    const dims = x.dims.map((d, i) => (i === axis ? m.draw.int(1, 4) : m.draw.int(1, d)));
    m.node("GatherElements", [x.name, m.ints(places(m, x.dims[axis], product(dims)), dims)], { axis });
  },
  GatherND: (m) => {
    m.since(11);
    const x = m.ofRank(2, 4);
    const depth = m.draw.int(1, x.dims.length);
    const rows = range(3).flatMap(() => range(depth).map((a) => places(m, x.dims[a], 1)[0]));
    m.node("GatherND", [x.name, m.ints(rows, [3, depth])]);
  },
  Tile: (m) => {
    const x = m.ofRank(1, 4);
    m.node("Tile", [x.name, m.ints(x.dims.map(() => m.draw.int(1, 2)))]);
  },
  SpaceToDepth: (m) =>
    m.node("SpaceToDepth", [image(m, ([, , h, w]) => h % 2 === 0 && w % 2 === 0).name], { blocksize: 2 }),
  DepthToSpace: (m) => {
    const x = image(m, ([, c]) => c % 4 === 0);
    m.node(
      "DepthToSpace",
      [x.name],
      m.opset >= 11 ? { blocksize: 2, mode: m.draw.pick(["DCR", "CRD"]) } : { blocksize: 2 },
    );
  },
  Trilu: (m) => {
    m.since(14);
    m.node("Trilu", [m.ofRank(2, 4).name, m.ints(m.draw.int(-2, 2))], { upper: m.draw.int(0, 1) });
  },
  Compress: (m) => {
    m.since(9);
    const x = wide(m);
    const axis = m.draw.int(0, x.dims.length - 1);
    const kept = range(x.dims[axis]).map((i) => (i === 0 || m.draw.chance(0.6) ? 1 : 0));
    m.node("Compress", [x.name, m.constant(bools(kept))], { axis });
  },
  ReverseSequence: (m) => {
    m.since(10);
    const x = m.ofRank(2, 4);
    const [steps, batch] = x.dims;
    m.node("ReverseSequence", [x.name, m.ints(range(batch).map(() => m.draw.int(1, steps)))], {
      time_axis: 0,
      batch_axis: 1,
    });
  },
  ScatterElements: (m) => {
    const reduces = m.draw.chance(0.5) && m.opset >= 18;
    m.since(11);
    const x = m.ofRank(1, 4, ({ dims }) => product(dims) > 0);
    const axis = m.draw.int(0, x.dims.length - 1);
    const at = m.draw.int(1, x.dims[axis]);
    const dims = x.dims.map((d, i) => (i === axis ? at : d));
    const rest = product(dims.slice(axis + 1));
    const rows = places(m, x.dims[axis], at, true);
    const indices = range(product(dims)).map((i) => rows[Math.floor(i / rest) % at]);
    const inputs = [x.name, m.ints(indices, dims), m.weights(dims)];
    m.node("ScatterElements", inputs, reduces ? { axis, reduction: "add" } : { axis });
  },
  ScatterND: (m) => {
    m.since(11);
    const x = m.ofRank(1, 4, ({ dims }) => dims[0] > 0);
    const count = m.draw.int(1, x.dims[0]);
    const rows = places(m, x.dims[0], count, true);
    const reduction: Attributes = m.opset >= 16 && m.draw.chance(0.5) ? { reduction: "add" } : {};
    m.node("ScatterND", [x.name, m.ints(rows, [count, 1]), m.weights([count, ...x.dims.slice(1)])], reduction);
  },
  "ScatterND, of a tensor": (m) => {
    m.since(11);
    const updates = m.ofRank(1, 3, ({ dims }) => dims[0] > 0);
    const [count, ...rest] = updates.dims;
    const rows = places(m, count + 1, count, true);
    m.node("ScatterND", [m.weights([count + 1, ...rest]), m.ints(rows, [count, 1]), updates.name]);
  },
};
