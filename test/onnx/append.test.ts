import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { append, type Extension, encodeExtension } from "../../src/onnx/append.ts";
import { DataType, decodeModel, makeNode, makeTensor, makeValueInfo } from "../../src/onnx/proto.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { oneNode, tensor } from "../models.ts";
import { session } from "../ops/rules.ts";

const bytes = oneNode("Relu", { opset: 13, inputs: { x: [3] } });
/** z = y k + s, with a constant k and a new input s. */
const extension: Extension = {
  nodes: [makeNode("Mul", ["y", "k"], ["ky"]), makeNode("Add", ["ky", "s"], ["z"])],
  initializers: [makeTensor("k", DataType.FLOAT, [], Float32Array.of(3))],
  inputs: [makeValueInfo("s", DataType.FLOAT, [3])],
  outputs: [makeValueInfo("z")],
};

test("the model's bytes are left as they are, in front", () => {
  const whole = append(bytes, extension);
  expect(whole.subarray(0, bytes.length)).toEqual(bytes);
  expect(whole.subarray(bytes.length)).toEqual(encodeExtension(extension));
});

test("the extension names no operator set and no IR version", () => {
  const alone = decodeModel(encodeExtension(extension));
  expect(alone.opsetImport).toEqual([]);
  expect(alone.irVersion).toBe(0n);
});

test("the whole is one model, with the inputs and outputs of both", async () => {
  const whole = await openSession(ort, append(bytes, extension), session);
  expect([whole.inputNames, whole.outputNames]).toEqual([
    ["x", "s"],
    ["y", "z"],
  ]);
  const { y, z } = await run(whole, { x: tensor([-1, 1, 2]), s: tensor([10, 20, 30]) });
  expect([...y.data]).toEqual([0, 1, 2]);
  expect([...z.data]).toEqual([10, 23, 36]);
});

test("reading the whole gives the graphs merged", () => {
  const { graph, opsetImport } = decodeModel(append(bytes, extension));
  expect(graph?.node.map(({ opType }) => opType)).toEqual(["Relu", "Mul", "Add"]);
  expect(opsetImport.map(({ version }) => version)).toEqual([13n]);
});
