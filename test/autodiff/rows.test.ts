/**
 * @file Gradients that stay on the rows that are read. The truth is the same graph without the node that picks: its output is seeded
 * with zeros outside of these rows, so that the whole gradient goes back.
 */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { differentiate } from "../../src/autodiff/differentiate.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { Builder } from "../../src/onnx/build.ts";
import { product, range } from "../../src/onnx/dims.ts";
import { readModel } from "../../src/onnx/model.ts";
import { observe } from "../../src/onnx/observe.ts";
import { DataType, float, type NodeProto } from "../../src/onnx/proto.ts";
import { type Feeds, openSession, run } from "../../src/onnx/runtime.ts";
import { loadOperators } from "../../src/ops/index.ts";
import {
  type Attributes,
  bools,
  floats,
  ints,
  model,
  node,
  randomFeeds,
  type Sources,
  tensor,
  type Wanted,
} from "../models.ts";
import { weights } from "../nets.ts";
import { session } from "../ops/rules.ts";

/** Picks rows of `y` along an axis: which, of how many. */
interface Picking {
  readonly constants: Sources;
  readonly node: (axis: number) => NodeProto;
  readonly rows: (size: number) => readonly number[];
  /** The axis goes with them. */
  readonly removes?: boolean;
}

const gather = (at: number | readonly number[]): Picking => ({
  constants: { "pick/at": ints(at) },
  node: (axis) => node("Gather", "y pick/at", "picked", { axis }),
  rows: (size) => [at].flat().map((i) => (i < 0 ? i + size : i)),
  removes: typeof at === "number",
});
const axes = Object.fromEntries(range(4).map((axis) => [`pick/axis${axis}`, ints([axis])]));
const slice = (start: number, end: number): Picking => ({
  constants: { "pick/from": ints([start]), "pick/to": ints([end]), ...axes },
  node: (axis) => node("Slice", `y pick/from pick/to pick/axis${axis}`, "picked"),
  rows: (size) => range(size).slice(start, end),
});
const one = gather(1);
const pickings = [gather(-1), slice(1, 3), gather([1, 2]), slice(-2, 2 ** 31 - 1), gather([2, 0])];

/** A graph that makes `y`, and what it is fed. */
interface Graph extends Omit<Wanted, "outputs"> {
  readonly feeds: Feeds;
}

const behind = (graph: Graph, axis: number, picking: Picking): Graph => ({
  ...graph,
  inputs: { ...graph.inputs, ...picking.constants },
  nodes: [...graph.nodes, picking.node(axis)],
});

async function shapeOf(graph: Graph): Promise<readonly number[]> {
  const runner = await openSession(ort, model({ ...graph, outputs: ["y"] }), session);
  const { y } = await run(runner, graph.feeds, ["y"]);
  await runner.release();
  return y.dims;
}

async function expectSame(graph: Graph, axis: number, dims: readonly number[], picking: Picking, wrt?: string[]) {
  const { feeds } = graph;
  const rows = picking.rows(dims[axis]);
  const inner = product(dims.slice(axis + 1));
  const rowOf = (i: number) => Math.floor(i / inner) % dims[axis];
  const cotangent = randomFeeds({ c: dims }, undefined, 3).c.data as Float32Array;
  const names = wrt ?? Object.keys(feeds);
  const zeroed = tensor([...cotangent.map((v, i) => (rows.includes(rowOf(i)) ? v : 0))], dims);
  const whole = model({ ...graph, outputs: ["y"] });
  const wanted = (await vjp(ort, whole, { feeds, seeds: { y: zeroed }, wrt: names, session })).gradients;

  const from = (lead: number, row: number) => (lead * dims[axis] + row) * inner;
  const kept = range(product(dims.slice(0, axis))).flatMap((lead) =>
    rows.flatMap((row) => [...cotangent.slice(from(lead, row), from(lead, row) + inner)]),
  );
  const picked = tensor(kept, dims.toSpliced(axis, 1, ...(picking.removes ? [] : [rows.length])));
  const own = model(behind(graph, axis, picking));
  const found = (await vjp(ort, own, { feeds, seeds: { picked }, wrt: names, session })).gradients;
  for (const name of names) {
    expect(found[name].dims).toEqual(wanted[name].dims);
    const [a, b] = [found, wanted].map((gradients) => [...(gradients[name].data as Float32Array)]);
    const scale = Math.max(...b.map(Math.abs), 1e-3);
    expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / scale, `${name}, axis ${axis}`).toBeLessThan(1e-5);
  }
}

type Case = readonly [inputs: Sources, attributes?: Attributes, opset?: number];

describe("every operator that says what its rows are made of", async () => {
  const x = { x: [4, 4, 4] };
  const ab = { a: [4, 4, 4], b: [4, 4, 4] };
  const binary: Case[] = [[ab], [{ a: [4, 4, 4], b: [4] }], [{ a: [4, 1], b: [4, 4, 4] }]];
  const several: Case[] = [[{ a: [4, 4, 4], b: [4, 1], c: [4, 4] }], [x]];
  const reduced: Case[] = [
    [x, { axes: [2] }],
    [x, { axes: [0, 2], keepdims: 0 }],
    [x, { axes: [1], keepdims: 0 }],
    [{ ...x, axes: ints([-1]) }, {}, 18],
  ];
  const normalised: Case[] = [
    [{ ...x, scale: [4] }, { axis: -1 }, 23],
    [{ ...x, scale: [4, 4] }, { axis: 1 }, 23],
  ];
  const shapes = [
    [2, 2, 4, 4],
    [16, 4],
    [4, 2, 2, 4],
    [4, 16],
    [8, 8],
    [2, 32],
    [4, 1, 4, 4],
  ];
  const alike = (names: string, rows: readonly Case[]) => names.split(" ").map((name) => [name, rows]);
  const cases: Readonly<Record<string, readonly Case[]>> = {
    ...Object.fromEntries([
      ...alike("Add Sub Mul Div", binary),
      ...alike("Max Min Sum Mean", several),
      ...alike("ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL1 ReduceL2", reduced),
      ...alike("ReduceLogSum ReduceLogSumExp", reduced),
      ...alike("LayerNormalization RMSNormalization", normalised),
    ]),
    ReduceSum: [[{ ...x, axes: ints([1]) }, { keepdims: 0 }], [{ ...x, axes: ints([0, 2]) }]],
    Mod: [[ab, { fmod: 1 }]],
    Pow: [[{ ...x, two: floats(2) }], [{ ...x, exponents: floats([2, 3, 2, 1]) }], [ab]],
    Where: [[{ c: bools([1, 0, 0, 1]), ...ab }], [{ c: bools([1, 0, 0, 1], [4, 1]), a: [4, 4, 4], b: [4, 1, 1] }]],
    PRelu: [[{ ...x, slope: [4, 1, 4] }]],
    Clip: [[{ ...x, low: floats(0.3), high: floats(0.7) }], [x, { min: float(0.3) }, 10]],
    Cast: [[x, { to: DataType.FLOAT }]],
    Softmax: [
      [x, { axis: -1 }],
      [x, { axis: 0 }],
      [x, { axis: 1 }, 11],
    ],
    LogSoftmax: [[x, { axis: 1 }]],
    MatMul: [[{ a: [4, 4, 4], b: [4, 4] }], [ab], [{ a: [4, 4], b: [4, 4, 4] }], [{ a: [4, 4, 4], b: [4] }]],
    Gemm: [
      [
        { a: [4, 4], b: [4, 4], c: [4] },
        { transB: 1, alpha: float(2) },
      ],
      [{ a: [4, 4], b: [4, 4] }, { transA: 1 }],
      [{ a: [4, 4], b: [4, 4], c: [4, 4] }],
    ],
    Transpose: [[x, { perm: [2, 0, 1] }], [x]],
    Reshape: shapes.map((dims) => [{ ...x, to: ints(dims) }]),
    Flatten: [
      [x, { axis: 2 }],
      [x, { axis: 1 }],
    ],
    Squeeze: [[{ x: [4, 1, 4, 1], axes: ints([1]) }]],
    Unsqueeze: [[{ ...x, axes: ints([1]) }]],
    Slice: [[{ ...x, from: ints([1]), to: ints([4]), axes: ints([1]) }]],
  };
  const newest: Readonly<Record<string, number>> = { Mish: 18, Gelu: 20, Swish: 24 };
  /** Where all functions are defined and smooth. */
  const valuesOf = (name: string) => (normal: Float32Array) =>
    normal.map((v) => 0.5 + 0.4 * Math.tanh(v) + (name === "Acosh" ? 1 : 0));

  const names = [...(await loadOperators())].filter(([, op]) => op.rows).map(([name]) => name);
  // ONNX Runtime alone writes it, with the rule of RMSNormalization.
  for (const name of names.filter((n) => n !== "SimplifiedLayerNormalization"))
    for (const [inputs, attributes, opset = newest[name] ?? 17] of cases[name] ?? [[x]])
      test(`${name} ${JSON.stringify([Object.values(inputs), attributes])}`, async () => {
        const nodes = [node(name, Object.keys(inputs).join(" "), "y", attributes)];
        const graph = { opset, inputs, nodes, feeds: randomFeeds(inputs, valuesOf(name)) };
        const dims = await shapeOf(graph);
        for (const [axis, size] of dims.entries())
          if (size > 1) await expectSame(graph, axis, dims, size > 2 ? pickings[(axis + name.length) % 5] : one);
      });
});

test("an operator set in which Slice has attributes", async () => {
  const attributes = (axis: number) => ({ axes: [axis], starts: [0], ends: [1] });
  const first: Picking = {
    constants: {},
    node: (axis) => node("Slice", "y", "picked", attributes(axis)),
    rows: () => [0],
  };
  const inputs = { x: [3, 4] };
  const nodes = [node("Exp", "x", "e"), node("Mul", "e x", "y")];
  await expectSame({ opset: 9, inputs, nodes, feeds: randomFeeds(inputs) }, 1, [3, 4], first);
});

describe("behind an attention", () => {
  // Two heads of two channels over five tokens.
  const inputs: Sources = {
    x: [2, 5, 4],
    ...Object.fromEntries(["q", "k", "v", "o"].map((name, i) => [`w${name}`, weights([4, 4], i)])),
    up: weights([4, 8], 5),
    down: weights([8, 4], 6),
    scale: weights([4], 7, 1),
    heads: ints([0, 5, 2, 2]),
    joined: ints([0, 5, 4]),
    flat: ints([-1, 4]),
    folded: ints([5, -1, 2]),
    first: ints([5, -1, 4]),
    back: ints([-1, 5, 8]),
    wide: ints([-1, 8]),
    tokens: ints([-1, 5, 4]),
  };
  const norm = (from: string, to: string) => node("LayerNormalization", `${from} scale`, to, { axis: -1 });
  const projections = (from: string) => ["q", "k", "v"].map((name) => node("MatMul", `${from} w${name}`, name));

  const batchFirst = [
    ...projections("h"),
    ...["q", "k", "v"].map((name) => node("Reshape", `${name} heads`, `${name}/apart`)),
    node("Transpose", "q/apart", "queries", { perm: [0, 2, 1, 3] }),
    node("Transpose", "k/apart", "keys", { perm: [0, 2, 3, 1] }),
    node("Transpose", "v/apart", "values", { perm: [0, 2, 1, 3] }),
    node("MatMul", "queries keys", "scores"),
    node("Softmax", "scores", "p", { axis: -1 }),
    node("MatMul", "p values", "mixed"),
    node("Transpose", "mixed", "mixed/back", { perm: [0, 2, 1, 3] }),
    node("Reshape", "mixed/back joined", "o"),
    node("MatMul", "o wo", "a"),
  ];
  /** As torch.nn.MultiheadAttention is exported: images behind tokens, heads beside images, and a product of flat rows. */
  const tokensFirst = [
    node("Transpose", "h", "h/first", { perm: [1, 0, 2] }),
    ...projections("h/first"),
    ...["q", "k", "v"].map((name) => node("Reshape", `${name} folded`, `${name}/folded`)),
    node("Transpose", "q/folded", "queries", { perm: [1, 0, 2] }),
    node("Transpose", "k/folded", "keys", { perm: [1, 2, 0] }),
    node("Transpose", "v/folded", "values", { perm: [1, 0, 2] }),
    node("MatMul", "queries keys", "scores"),
    node("Softmax", "scores", "p", { axis: -1 }),
    node("MatMul", "p values", "mixed"),
    node("Transpose", "mixed", "mixed/back", { perm: [1, 0, 2] }),
    node("Reshape", "mixed/back flat", "o"),
    node("Gemm", "o wo", "a/flat", { transB: 1 }),
    node("Reshape", "a/flat first", "a/first"),
    node("Transpose", "a/first", "a", { perm: [1, 0, 2] }),
  ];
  const mlp = [node("MatMul", "m up", "u"), node("Relu", "u", "g"), node("MatMul", "g down", "d")];
  /** As TensorFlow writes dense layers. */
  const flatMlp = [
    node("Reshape", "m flat", "m/flat"),
    node("MatMul", "m/flat up", "u/flat"),
    node("Reshape", "u/flat back", "u"),
    node("Relu", "u", "g"),
    node("Reshape", "g wide", "g/flat"),
    node("MatMul", "g/flat down", "d/flat"),
    node("Reshape", "d/flat tokens", "d"),
  ];
  const block = (attention: readonly NodeProto[], dense: readonly NodeProto[]): Graph => ({
    opset: 17,
    inputs,
    free: ["x"],
    feeds: randomFeeds({ x: [2, 5, 4] }),
    nodes: [
      norm("x", "h"),
      ...attention,
      node("Add", "x a", "r"),
      norm("r", "m"),
      ...dense,
      node("Add", "r d", "s"),
      norm("s", "y"),
    ],
  });
  const blocks = {
    "images first": block(batchFirst, mlp),
    "tokens first": block(tokensFirst, mlp),
    "flat products": block(batchFirst, flatMlp),
  };

  for (const [title, graph] of Object.entries(blocks))
    test.each([gather(0), gather(4), slice(0, 1), slice(1, 3), slice(1, 5)])(`${title} %#`, async (picking) => {
      await expectSame(graph, 1, [2, 5, 4], picking, ["x", "h", "m", "u", "k"]);
    });

  /** The shapes of the matrix products in the adjoint of a graph; -1 depends on the number of images. */
  async function productsOf(graph: Graph): Promise<string[]> {
    const net = readModel(model(graph));
    const tensors = await observe(ort, net, {}, session);
    const build = new Builder(net.opset);
    const [seeded] = net.outputs;
    const seed = build.input(DataType.FLOAT, tensors.get(seeded)?.dims ?? []);
    const gradients = differentiate(net, tensors, { build, seeds: new Map([[seeded, seed]]), wrt: ["h"] });
    const { needed } = build.collect(gradients.values());
    const products = [...build.made].filter(({ node: { opType } }) => opType === "MatMul" || opType === "Gemm");
    const made = products.flatMap(({ outputs }) => outputs.filter(({ name }) => needed.has(name)));
    return made.map(({ dims }) => String(dims));
  }

  test("only keys and values have a gradient at the other tokens", async () => {
    expect(await productsOf(behind(blocks["images first"], 1, gather(0)))).toEqual([
      ...["-1,1,8", "-1,1,4", "-1,1,4"], // down, up, output
      ...["-1,2,1,5", "-1,2,5,2", "-1,2,1,2", "-1,2,2,5"], // weights, values, queries, keys
      ...["-1,5,4", "-1,5,4", "-1,1,4"], // projections of values, keys, queries
    ]);
    expect(await productsOf(behind(blocks["tokens first"], 1, gather(0)))).toEqual([
      ...["-1,1,8", "-1,1,4", "-1,4"],
      ...["-1,1,5", "-1,5,2", "-1,1,2", "-1,2,5"],
      ...["5,-1,4", "5,-1,4", "1,-1,4"],
    ]);
    expect((await productsOf(behind(blocks["flat products"], 1, gather(0)))).slice(0, 3)).toEqual([
      ...["-1,8", "-1,4", "-1,1,4"],
    ]);
  });

  test("a mean over all tokens is left as it is", async () => {
    const mean = node("ReduceMean", "y", "pooled", { axes: [1] });
    const graph = { ...blocks["images first"], nodes: [...blocks["images first"].nodes, mean] };
    expect((await productsOf(graph)).slice(0, 2)).toEqual(["-1,5,8", "-1,5,4"]);
  });

  const readers = {
    "twice the same token": [gather(0).node(1), node("Slice", "y pick/from pick/to pick/axis1", "other")],
    "two tokens": [gather(0).node(1), node("Gather", "y pick/last", "other", { axis: 1 })],
    "a token and the mean": [gather(0).node(1), node("ReduceMean", "y", "other", { axes: [1], keepdims: 0 })],
  };
  test.each(Object.entries(readers))("%s", async (_, nodes) => {
    const { feeds, ...graph } = blocks["images first"];
    const constants = { ...gather(0).constants, ...slice(0, 1).constants, "pick/last": ints(4) };
    const bytes = model({
      ...graph,
      inputs: { ...graph.inputs, ...constants },
      nodes: [...graph.nodes, ...nodes],
      outputs: ["picked", "other"],
    });
    const wrt = ["x", "h"];
    const shapes = (await vjp(ort, bytes, { feeds, seeds: {}, wrt: [], session })).outputs;
    const seeds = Object.fromEntries(
      ["picked", "other"].map((name, i) => [name, randomFeeds({ s: shapes[name].dims }, undefined, i).s]),
    );
    const together = await vjp(ort, bytes, { feeds, seeds, wrt, session });
    // What each reader sends back alone is the truth of the cases above.
    const alone = await Promise.all(
      Object.entries(seeds).map(([name, seed]) => vjp(ort, bytes, { feeds, seeds: { [name]: seed }, wrt, session })),
    );
    for (const name of wrt) {
      const [a, b] = alone.map(({ gradients }) => gradients[name].data as Float32Array);
      const sum = together.gradients[name].data as Float32Array;
      for (const [i, v] of sum.entries()) expect(v).toBeCloseTo(a[i] + b[i], 4);
    }
  });
});
