/** @file Sizes of inputs that the file leaves open: given at opening, or taken from the feeds. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/index.ts";
import { append } from "../../src/onnx/append.ts";
import { readModel } from "../../src/onnx/model.ts";
import { changed, declaredDims, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import { compiled } from "../compile/compile.ts";
import { floats, model, node, randomFeeds } from "../models.ts";
import { gap, images } from "../nets.ts";
import { ask, cotangent, expectClose, expectUserError, gradCam, numbers, open, session } from "./ask.ts";

const file = (name: string) => fileURLToPath(new URL(`../cases/${name}`, import.meta.url));
const read = (name: string) => new Uint8Array(readFileSync(file(name)));
const rankUnknown = read("models/rank_unknown.onnx");
const noShape = read("files/input_no_shape/model.onnx");
const x = (dims: readonly number[]) => randomFeeds({ x: dims });

describe("a rank that only a run knows", () => {
  test("the gradient is that of its twin, which pools in one node", async () => {
    const { proto, graph } = readModel(rankUnknown);
    const pool = node("ReduceMean", "r", "g", { axes: [2, 3], keepdims: 0 });
    const kept = graph.node.filter(({ opType }) => ["Conv", "Relu", "MatMul"].includes(opType));
    const twin = encodeModel(changed(proto, { graph: changed(graph, { node: [...kept.slice(0, 2), pool, kept[2]] }) }));
    for (const dims of [
      [2, 3, 16, 16],
      [1, 3, 8, 12],
    ]) {
      const seeds = {
        y: cotangent(
          5,
          ...Array(dims[0]).fill([
            [1, 1],
            [3, -2],
          ]),
        ),
      };
      const of = async (bytes: Uint8Array) =>
        (await vjp(ort, bytes, { feeds: x(dims), seeds, wrt: ["x"], session })).gradients.x;
      expectClose(numbers(await of(rankUnknown)), numbers(await of(twin)));
    }
  });
  test("its maps, with the sizes given, and with those of the feeds", async () => {
    const feeds = x([2, 3, 16, 16]);
    const seeds = { y: cotangent(5, [[1, 1]], [[1, 1]]) };
    const given = await ask(rankUnknown, feeds, { target: 1 }, { inputShapes: [1, 3, 16, 16] });
    const named = await ask(rankUnknown, feeds, { target: 1 }, { inputShapes: { x: [1, 3, 16, 16] } });
    const later = await ask(rankUnknown, feeds, { target: 1 });
    const outputs = [makeValueInfo("r")];
    const withLayer = append(rankUnknown, { nodes: [], initializers: [], inputs: [], outputs });
    const byHand = await gradCam(withLayer, feeds, seeds, "r");
    expect(byHand.some((v) => v > 0)).toBe(true);
    for (const { maps } of [given, named, later]) {
      expect(maps.dims).toEqual([2, 8, 8]);
      expectClose(numbers(maps), byHand);
    }
  });
});

describe("an input without a shape", () => {
  test("is asked for", async () => {
    await expectUserError(
      open(noShape),
      "invalid-model",
      /sizes of its input "x" must be known.*--input-shape.*inputShapes/,
    );
  });
  test("takes what is given, of any batch", async () => {
    const explainer = await open(noShape, { inputShapes: { x: [1, 3, 8, 8] } });
    expect(explainer.layers[0]).toMatchObject({ shape: [-1, 5, 8, 8], grid: [8, 8] });
    const { maps } = await explainer.explain(x([3, 3, 8, 8]), { target: 0 });
    expect(maps.dims).toEqual([3, 8, 8]);
    await expectUserError(explainer.explain(x([1, 3, 9, 9])), "invalid-input", "takes [batch,3,8,8]");
    await explainer.release();
  });
  test("is declared in a compiled file", async () => {
    const { graph } = readModel(await compiled(noShape, {}, { inputShapes: [1, 3, 8, 8] }));
    expect(graph.input.slice(0, 1).map(declaredDims)).toEqual([["batch", 3, 8, 8]]);
  });
});

test("sizes given for a model that has them already change nothing", async () => {
  const [given, plain] = [await ask(gap(), images(), {}, { inputShapes: [1, 3, 8, 8] }), await ask(gap(), images())];
  expectClose(numbers(given.maps), numbers(plain.maps));
});

test("what does not fit is refused", async () => {
  await expectUserError(
    open(gap(), { inputShapes: { z: [1, 3, 8, 8] } }),
    "unknown-name",
    'unknown input: "z"; the model takes x',
  );
  await expectUserError(
    open(gap(), { inputShapes: [1, 3, 9, 8] }),
    "invalid-option",
    /"x" \[1,3,9,8\]; the model takes \[N,3,8,8\]/,
  );
  await expectUserError(open(gap(), { inputShapes: [3, 8, 8] }), "invalid-option", "the model takes [N,3,8,8]");
  await expectUserError(open(gap(), { inputShapes: [1, 3, 0, 8] }), "invalid-option", "integers of at least 1");
});

describe("sizes that the file leaves free though it takes few", () => {
  // A map of 8 rows is added: of 256, which are tried, it takes none.
  const picky = (dims: readonly number[]) =>
    model({
      opset: 13,
      inputs: {
        x: dims,
        w: floats([1, -1, 0.5, 0.25, -0.5, 1], [2, 3, 1, 1]),
        rows: floats(Array(8).fill(0.5), [1, 1, 8, 1]),
      },
      nodes: [
        node("Conv", "x w", "seen"),
        node("Add", "seen rows", "moved"),
        node("Relu", "moved", "features"),
        node("GlobalAveragePool", "features", "pooled"),
        node("Flatten", "pooled", "scores"),
      ],
    });

  test("are asked for, with those that it states", async () => {
    await expectUserError(
      open(picky([1, 3, -1, 12])),
      "invalid-model",
      /^UserError: invalid model: its file leaves sizes of its inputs free, but those that were tried \(3x256x12\) do not fit; give those that it takes: --input-shape 1x3x224x12, or inputShapes in the library \(ONNX Runtime refuses it: /,
    );
  });
  test("are taken where they are given", async () => {
    const explainer = await open(picky([1, 3, -1, 12]), { inputShapes: [1, 3, 8, 12] });
    expect((await explainer.explain(x([1, 3, 8, 12]), { target: 0 })).maps.dims).toEqual([1, 8, 12]);
    await explainer.release();
  });
});
