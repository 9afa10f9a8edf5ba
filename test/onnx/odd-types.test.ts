/**
 * @file Inputs, outputs and inner tensors of types that JavaScript has no array for, free dimensions as old files write them, and outputs
 * that are no tensors: what ONNX Runtime runs is explained, and what would end the process is never fetched.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { changed, DataType, decodeModel, encodeModel, makeValueInfo, type NodeProto } from "../../src/onnx/proto.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { ask, expectClose, expectUserError, numbers } from "../explain/ask.ts";
import { floats, model, type Numbers, node, type Sources, tensor } from "../models.ts";
import { gap, images, weights } from "../nets.ts";
import { session } from "../ops/rules.ts";

const x = tensor([0.1, 0.2, 0.3, -4, 5, 6, 7, 8], [2, 4]);
const ones = tensor(Array(8).fill(1), [2, 4]);

/** The model with other inputs and outputs declared. */
function declaring(
  bytes: Uint8Array,
  input: readonly [string, DataType, (number | string)[]][],
  output: typeof input,
): Uint8Array {
  const proto = decodeModel(bytes);
  const graph = changed(proto.graph!, {
    input: input.map((info) => makeValueInfo(...info)),
    output: output.map((info) => makeValueInfo(...info)),
  });
  return encodeModel(changed(proto, { graph }));
}

/** The sum of the output's gradient at x, and what came out. */
async function gradient(bytes: Uint8Array, output = "y") {
  const { gradients, outputs } = await vjp(ort, bytes, {
    feeds: { x },
    seeds: { [output]: ones },
    wrt: ["x"],
    session,
  });
  return { dx: numbers(gradients.x), outputs };
}

describe("types of a few bits on the way", () => {
  const cast = (to: DataType): readonly NodeProto[] => [
    node("Relu", "x", "rectified"),
    node("Cast", "rectified", "cast", { to }),
    node("Identity", "cast", "same"),
    node("Cast", "same", "y", { to: DataType.FLOAT }),
  ];
  test.each([
    ["bfloat16", DataType.BFLOAT16],
    ["float8e4m3fn", DataType.FLOAT8E4M3FN],
    ["float8e5m2", DataType.FLOAT8E5M2],
  ])("a cast to %s and back is the identity", async (_, to) => {
    const { dx } = await gradient(model({ opset: 21, free: ["x"], inputs: { x: [2, 4] }, nodes: cast(to) }));
    expect(dx).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
  });

  test.each([
    // By hand: whole steps reach from -8 to 7 and from 0 to 15, so 2.1 and 4.5; the float types reach 448 and 57344.
    ["int4", DataType.INT4, [1, 1, 1, 0, 0, 0, 0, 0]],
    ["uint4", DataType.UINT4, [1, 1, 1, 0, 0, 0, 0, 0]],
    ["float8e4m3fn", DataType.FLOAT8E4M3FN, [1, 1, 1, 0, 1, 1, 1, 1]],
    ["float8e5m2", DataType.FLOAT8E5M2, [1, 1, 1, 0, 1, 1, 1, 1]],
  ])("quantised to %s, nothing passes beyond its range", async (_, type, want) => {
    const nodes = [
      node("Relu", "x", "rectified"),
      node("QuantizeLinear", "rectified s", "q", { output_dtype: type }),
      node("DequantizeLinear", "q s", "y"),
    ];
    const { dx } = await gradient(model({ opset: 21, free: ["x"], inputs: { x: [2, 4], s: floats(0.3) }, nodes }));
    expectClose(dx, want);
  });

  test("weights of 4 bits, one scale for each two rows", async () => {
    // Two numbers a byte, the lower bits first: -8 .. 7 row by row.
    const packed: Numbers = {
      type: DataType.UINT8,
      dims: [8],
      values: [0x98, 0xba, 0xdc, 0xfe, 0x10, 0x32, 0x54, 0x76],
    };
    const inputs: Sources = { x: [2, 4], w: packed, s: floats([0.5, 1, 2, 4, 0.25, 0.5, 1, 2], [2, 4]) };
    const nodes = [
      node("DequantizeLinear", "w s", "weights", { axis: 0, block_size: 2 }),
      node("MatMul", "x weights", "y"),
    ];
    const proto = decodeModel(model({ opset: 21, free: ["x"], inputs, nodes }));
    const initializer = proto.graph!.initializer.map((t) =>
      t.name === "w" ? changed(t, { dataType: DataType.INT4, dims: [4n, 4n] }) : t,
    );
    const { dx } = await gradient(encodeModel(changed(proto, { graph: changed(proto.graph!, { initializer }) })));
    const scales = [
      [0.5, 1, 2, 4],
      [0.25, 0.5, 1, 2],
    ];
    const rows = [0, 1, 2, 3].map((r) => [0, 1, 2, 3].reduce((sum, c) => sum + (4 * r + c - 8) * scales[r >> 1][c], 0));
    expectClose(dx, [...rows, ...rows]);
  });
});

test("a layer of bfloat16 is passed over, and refused where it is named", async () => {
  const nodes = [
    node("Conv", "x w", "conv"),
    node("Relu", "conv", "features"),
    node("Cast", "features", "half", { to: DataType.BFLOAT16 }),
    node("Cast", "half", "whole", { to: DataType.FLOAT }),
    node("ReduceMean", "whole", "logits", { axes: [2, 3], keepdims: 0 }),
  ];
  const bytes = model({ opset: 13, free: ["x"], inputs: { x: [2, 3, 8, 8], w: weights([3, 3, 1, 1], 1) }, nodes });
  const { maps, layer } = await ask(bytes, images(), { target: 1 });
  expect({ layer, shape: maps.dims }).toEqual({ layer: "features", shape: [2, 8, 8] });
  await expectUserError(ask(bytes, images(), { layer: "half" }), "invalid-option", '"half" is bfloat16');
});

describe("inputs and outputs without an array in JavaScript", () => {
  const free = ["N", 4];
  test.each([
    ["bfloat16", DataType.BFLOAT16],
    ["float8e4m3fn", DataType.FLOAT8E4M3FN],
  ])("an output of %s comes as float32, and is differentiated", async (_, type) => {
    const nodes = [node("Mul", "x x", "square"), node("Cast", "square", "y", { to: type })];
    const bytes = declaring(
      model({ opset: 19, free: ["x"], inputs: { x: [2, 4] }, nodes }),
      [["x", DataType.FLOAT, free]],
      [["y", type, free]],
    );
    const { dx, outputs } = await gradient(bytes);
    expect(outputs.y.type).toBe("float32");
    expectClose(
      numbers(outputs.y),
      numbers(x).map((v) => v * v),
      0.07,
    );
    expectClose(
      dx,
      numbers(x).map((v) => 2 * v),
    );
  });
  test("an input of bfloat16 is fed float32", async () => {
    const nodes = [node("Cast", "x", "float", { to: DataType.FLOAT }), node("Mul", "float float", "y")];
    const bytes = declaring(
      model({ opset: 19, inputs: { x: [2, 4] }, nodes }),
      [["x", DataType.BFLOAT16, free]],
      [["y", DataType.FLOAT, free]],
    );
    expectClose(
      (await gradient(bytes)).dx,
      numbers(x).map((v) => 2 * v),
      0.01,
    );
  });
  test.each([
    ["int4", DataType.INT4, "int8"],
    ["uint4", DataType.UINT4, "uint8"],
  ])("an output of %s beside, whose fetch would end the process", async (_, type, as) => {
    const nodes = [node("Mul", "x x", "y"), node("Cast", "x", "beside", { to: type })];
    const bytes = declaring(
      model({ opset: 21, inputs: { x: [2, 4] }, nodes, outputs: ["y", "beside"] }),
      [["x", DataType.FLOAT, free]],
      [
        ["y", DataType.FLOAT, free],
        ["beside", type, free],
      ],
    );
    const { outputs, dx } = await gradient(bytes);
    expect(outputs.beside.type).toBe(as);
    expectClose(
      dx,
      numbers(x).map((v) => 2 * v),
    );
  });
});

describe("outputs that are no tensors", () => {
  const folder = fileURLToPath(new URL("../cases/files/zipmap_and_probs/", import.meta.url));
  const bytes = new Uint8Array(readFileSync(`${folder}model.onnx`));
  test("are left out", async () => {
    const explainer = await openExplainer(ort, bytes, { session });
    expect(explainer.model.outputs).toEqual(["lab", "probs"]);
    const { outputs, maps } = await explainer.explain({ x: readNpy(`${folder}x.npy`) }, { target: 0 });
    expect(Object.keys(outputs)).toEqual(["lab", "probs"]);
    expect(maps.dims).toEqual([1, 8, 8]);
    await explainer.release();
  });
  test("a sequence whose type the file does not say", async () => {
    const nodes = [node("Mul", "x x", "y"), node("SequenceConstruct", "y y", "list")];
    const { outputs, dx } = await gradient(model({ opset: 17, inputs: { x: [2, 4] }, nodes, outputs: ["y", "list"] }));
    expect(Object.keys(outputs)).toEqual(["y"]);
    expectClose(
      dx,
      numbers(x).map((v) => 2 * v),
    );
  });
});

describe("a free dimension written as", () => {
  const image = ["x", DataType.FLOAT] as const;
  const declared = (batch: number | string, side: number | string) =>
    declaring(gap(), [[...image, [batch, 3, side, side]]], [["logits", DataType.FLOAT, [batch, 5]]]);
  test.each<[string, number, number | string]>([
    ["-1, the batch", -1, 8],
    ["-1, batch and size", -1, -1],
    ["-1, the size alone", 2, -1],
    ["0, as old exporters do", 0, 8],
  ])("%s", async (_, batch, side) => {
    const want = await ask(gap(), images());
    const { maps } = await ask(declared(batch, side), images());
    expectClose(numbers(maps), numbers(want.maps));
    const seeds = { logits: tensor(Array(10).fill(1), [2, 5]) };
    const of = async (bytes: Uint8Array) =>
      numbers((await vjp(ort, bytes, { feeds: images(), seeds, wrt: ["x"], session })).gradients.x);
    expectClose(await of(declared(batch, side)), await of(gap()));
  });
});

describe.each([
  "input_minus1",
  "zipmap_and_probs",
  "fp8_qdq_activation",
  "input_no_shape",
  "matmulnbits",
  "chw_no_batch",
])("%s", (name) => {
  test("the input's gradient is that of central differences", async () => {
    const folder = fileURLToPath(new URL(`../cases/files/${name}/`, import.meta.url));
    const [given, seed] = [readNpy(`${folder}x.npy`), readNpy(`${folder}seed.npy`)];
    const output = name === "zipmap_and_probs" ? "probs" : "logits";
    const bytes = new Uint8Array(readFileSync(`${folder}model.onnx`));
    const { gradients } = await vjp(ort, bytes, {
      feeds: { x: given },
      seeds: { [output]: seed },
      wrt: ["x"],
      session,
    });
    const want = Array.from(numbersOf(readNpy(`${folder}right_gradient.npy`)));
    // Of what is quantised the right value is that of its twin in floats.
    expectClose(numbers(gradients.x), want, /fp8|nbits/.test(name) ? 3e-2 : 6e-3);
  });
});
