/** @file The order of the nodes in a file says nothing: a shuffled file gives the gradients and the maps of one in order. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { graphsIn, readModel, withGraphs } from "../../src/onnx/model.ts";
import { inOrder } from "../../src/onnx/order.ts";
import {
  changed,
  DataType,
  decodeModel,
  encodeModel,
  type GraphProto,
  makeGraph,
  makeValueInfo,
  type NodeProto,
} from "../../src/onnx/proto.ts";
import type { Feeds, Tensor } from "../../src/onnx/runtime.ts";
import { upgrade } from "../../src/onnx/upgrade.ts";
import { distance, readNpy } from "../arrays.ts";
import { floats, model, node, randomFeeds } from "../models.ts";
import * as nets from "../nets.ts";

const session = { intraOpNumThreads: 1 };
const here = (folder: string) => fileURLToPath(new URL(folder, import.meta.url));

/** Numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The graph with its nodes in a random order, and those of the graphs inside them. */
function shuffled(graph: GraphProto, next: () => number): GraphProto {
  const nodes = graph.node.map((n) =>
    withGraphs(
      n,
      graphsIn(n).map((inner) => shuffled(inner, next)),
    ),
  );
  for (let i = nodes.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [nodes[i], nodes[j]] = [nodes[j], nodes[i]];
  }
  return changed(graph, { node: nodes });
}

function shuffle(bytes: Uint8Array, seed: number): Uint8Array {
  const proto = decodeModel(bytes);
  return encodeModel(changed(proto, { graph: shuffled(proto.graph!, random(seed)) }));
}

/** The gradient by every float input for a random cotangent of the first output, and the map of class 1 where there are layers. */
async function answers(bytes: Uint8Array, feeds: Feeds, seeds: Feeds): Promise<Record<string, Tensor>> {
  const wrt = Object.keys(feeds).filter((name) => feeds[name].type === "float32");
  const { outputs, gradients } = await vjp(ort, bytes, { feeds, seeds, wrt, session });
  const explainer = await openExplainer(ort, bytes, { session });
  const map = explainer.layers.length > 0 && (await explainer.explain(feeds, { target: { seeds } })).maps;
  await explainer.release();
  return { ...outputs, ...gradients, ...(map && { map }) };
}

async function expectSame(bytes: Uint8Array, feeds: Feeds, seeds: Feeds): Promise<void> {
  const right = await answers(bytes, feeds, seeds);
  for (const seed of [1, 2, 3]) {
    const mixed = shuffle(bytes, seed);
    expect(readModel(mixed).mended, "a shuffle that is no shuffle tests nothing").toMatchObject({ order: true });
    const got = await answers(mixed, feeds, seeds);
    expect(Object.keys(got)).toEqual(Object.keys(right));
    for (const [name, tensor] of Object.entries(right)) expect(distance(got[name], tensor), name).toBeLessThan(1e-5);
  }
}

describe("a shuffled file answers as the file does", () => {
  const { gap, vgg, squeezeExcite, unet, patchTokens, classToken, windows, channelsLast } = nets;
  const plans = { gap, vgg, squeezeExcite, unet, patchTokens, classToken, windows, channelsLast };
  for (const [name, net] of Object.entries(plans))
    test(name, async () => {
      const bytes = net();
      const [{ name: input }] = readModel(bytes).inputs;
      const dims = input === "x" ? [2, 3, 8, 8] : [2, 8, 8, 3];
      const feeds = { [input]: new ort.Tensor("float32", nets.images().x.data as Float32Array, dims) };
      const opened = await ort.InferenceSession.create(bytes, session);
      const [output] = opened.outputNames;
      const scores = (await opened.run(feeds))[output];
      const seeds = randomFeeds({ [output]: scores.dims }, undefined, 5);
      await expectSame(bytes, feeds, seeds);
    });

  for (const name of readdirSync(here("../conformance")))
    test(name, async () => {
      const file = (of: string) => path.join(here("../conformance"), name, of);
      const { inputs, output } = JSON.parse(readFileSync(file("case.json"), "utf8"));
      const feeds = Object.fromEntries(
        inputs.map((i: { name: string; file: string }) => [i.name, readNpy(file(i.file))]),
      );
      const seeds = { [output]: readNpy(file("output_gradient.npy")) };
      await expectSame(new Uint8Array(readFileSync(file("model.onnx"))), feeds, seeds);
    });

  test("graphs inside nodes, which read outer tensors", async () => {
    const inside = (...nodes: NodeProto[]) => ({
      graph: makeGraph({ name: "inside", node: nodes, output: [makeValueInfo("o", DataType.FLOAT)] }),
    });
    const bytes = model({
      opset: 13,
      inputs: { x: [2, 3], zero: floats(0) },
      outputs: ["y"],
      nodes: [
        node("Sigmoid", "x", "gate"),
        node("Tanh", "x", "h"),
        node("ReduceSum", "x", "sum", { keepdims: 0 }),
        node("Greater", "sum zero", "on"),
        node("If", "on", "chosen", {
          then_branch: inside(node("Exp", "h", "t"), node("Sin", "t", "u"), node("Mul", "u gate", "o")),
          else_branch: inside(node("Neg", "gate", "t"), node("Cos", "t", "u"), node("Mul", "u h", "o")),
        }),
        node("Mul", "chosen h", "y"),
      ],
    });
    for (const sign of [1, -1]) {
      const x = new ort.Tensor(
        "float32",
        Float32Array.of(1, -0.2, 0.3, 0.5, 0.6, 0.1).map((v) => sign * v),
        [2, 3],
      );
      await expectSame(bytes, { x }, randomFeeds({ y: [2, 3] }));
    }
  });
});

describe("files of others", () => {
  for (const name of ["unsorted_gate", "unsorted_input_cast_last", "fp16_ort_transformers"])
    test(name, async () => {
      const file = (of: string) => here(`../cases/files/${name}/${of}`);
      const [feeds, seeds] = [{ x: readNpy(file("x.npy")) }, { logits: readNpy(file("seed.npy")) }];
      const bytes = new Uint8Array(readFileSync(file("model.onnx")));
      const { gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: ["x"], session });
      // Right by differences of ONNX Runtime; of half precision by those of the network in float32.
      const most = name.startsWith("fp16") ? 3e-2 : 6e-3;
      expect(distance(gradients.x, readNpy(file("right_gradient.npy")))).toBeLessThan(most);
    });

  test("a branch that comes late: the gradients are those of the file in order", async () => {
    const [late, sorted] = ["order_branch_late", "order_sorted"].map(
      (name) => new Uint8Array(readFileSync(here(`../cases/models/${name}.onnx`))),
    );
    expect([late, sorted].map((bytes) => readModel(bytes).mended?.order)).toEqual([true, undefined]);
    const [{ name: x }] = readModel(sorted).inputs;
    const feeds = nets.images(1, 8, 3, x);
    const seeds = randomFeeds({ [readModel(sorted).outputs[0]]: [1, 5] });
    const [right, got] = [await answers(sorted, feeds, seeds), await answers(late, feeds, seeds)];
    for (const name of Object.keys(right)) expect(distance(got[name], right[name]), name).toBeLessThan(1e-6);
  });
});

test("a graph in order is not touched", () => {
  const { graph } = decodeModel(nets.classToken());
  expect(inOrder(graph!)).toBe(graph);
});

test("what is not read stays where it is, and the others come behind what they read", () => {
  const [a, b, c, d] = [node("Relu", "x", "a"), node("Exp", "c", "b"), node("Tanh", "a", "c"), node("Cos", "x", "d")];
  expect(inOrder(makeGraph({ node: [a, b, c, d] })).node).toEqual([a, c, b, d]);
});

test("nodes that read each other are named in one line", () => {
  const bytes = model({
    opset: 13,
    inputs: { x: [2] },
    nodes: [node("Add", "x b", "a"), node("Relu", "a", "b"), node("Neg", "a", "y")],
  });
  expect(() => readModel(bytes)).toThrowError(
    expect.objectContaining({
      code: "invalid-model",
      message: 'invalid model: Add node "a" depends on its own output',
    }),
  );
});

test("only the nodes are written anew: weights stay as the file has them", () => {
  const bytes = shuffle(nets.gap(), 1);
  const proto = decodeModel(bytes);
  // As some exporters store them: a list of numbers, not raw bytes. And a field that nobody knows.
  const [w, ...others] = proto.graph!.initializer;
  const listed = changed(w, { rawData: new Uint8Array(), floatData: [...new Float32Array(w.rawData.slice().buffer)] });
  const unknown = [{ no: 1000, wireType: 0, data: Uint8Array.of(7) }];
  const file = encodeModel(
    Object.assign(changed(proto, { graph: changed(proto.graph!, { initializer: [listed, ...others] }) }), {
      $unknown: unknown,
    }),
  );
  const written = upgrade(readModel(file));
  expect(written.rewritten).toEqual(["nodes sorted"]);
  const again = decodeModel(written.bytes);
  expect(again.graph!.initializer).toEqual(decodeModel(file).graph!.initializer);
  expect(again.$unknown).toEqual(unknown);
  expect(again.graph!.node).toEqual(inOrder(decodeModel(file).graph!).node);
  const rest = changed(again, { graph: changed(again.graph!, { node: [] }) });
  expect(rest).toEqual(changed(decodeModel(file), { graph: changed(decodeModel(file).graph!, { node: [] }) }));
});

test("initialisers of one name: the last one holds, as in ONNX Runtime", async () => {
  const once = nets.gap();
  const proto = decodeModel(once);
  const { initializer } = proto.graph!;
  const other = changed(initializer[0], { rawData: new Uint8Array(initializer[0].rawData.length) });
  const twice = encodeModel(changed(proto, { graph: changed(proto.graph!, { initializer: [other, ...initializer] }) }));
  const feeds = nets.images();
  const seeds = randomFeeds({ logits: [2, 5] });
  const [right, got] = [await answers(once, feeds, seeds), await answers(twice, feeds, seeds)];
  for (const name of Object.keys(right)) expect(distance(got[name], right[name]), name).toBeLessThan(1e-6);
  expect(decodeModel(upgrade(readModel(twice)).bytes).graph!.initializer).toEqual(initializer);
});

test("a hundred thousand nodes, in order and in reverse", () => {
  const count = 100_000;
  const nodes = Array.from({ length: count }, (_, i) => node("Add", `t${i} x`, `t${i + 1}`));
  nodes[0] = node("Relu", "x", "t1");
  const bytes = (list: NodeProto[]) => model({ opset: 13, inputs: { x: [2] }, nodes: list, outputs: [`t${count}`] });
  expect(readModel(bytes(nodes)).consumers.get("x")).toHaveLength(count);
  const { graph, mended } = readModel(bytes(nodes.toReversed()));
  expect(mended?.order).toBe(true);
  expect(graph.node.every(({ output }, i) => output[0] === `t${i + 1}`)).toBe(true);
}, 20_000);
