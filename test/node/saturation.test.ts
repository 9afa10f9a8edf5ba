/** @file Whether quantised products saturate: the runtime's answer beside what it does to a model, and which models it touches. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { multipliesAllBits, productsSaturate } from "../../src/node/saturation.ts";
import { readModel } from "../../src/onnx/model.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { openSession, type Runtime, run } from "../../src/onnx/runtime.ts";
import { numbers, session } from "../explain/ask.ts";
import { floats, model, type Numbers, node } from "../models.ts";

const inputs = fileURLToPath(new URL("../inputs", import.meta.url));
const file = (name: string) => new Uint8Array(readFileSync(path.join(inputs, name, "model.onnx")));

test("products saturate where a model's answers differ from those that ONNX Runtime gives when it is told not to", async () => {
  const scores = async (x64quantprecision: "0" | "1") => {
    const extra = { session: { x64quantprecision } };
    const opened = await openSession(ort, file("int8_qdq_all_bits"), { ...session, extra });
    const input = new ort.Tensor("float32", new Float32Array(3 * 32 * 32).fill(2.5), [1, 3, 32, 32]);
    const { output } = await run(opened, { input });
    await opened.release();
    return numbers(output);
  };
  const [asItIs, exact] = [await scores("0"), await scores("1")];
  const saturates = await productsSaturate(ort);
  console.log(`products of uint8 and int8 ${saturates ? "saturate" : "are exact"} on this processor`);
  expect(String(asItIs) !== String(exact)).toBe(saturates);
});

test.each([
  [32767, true],
  [64770, false],
])("a runtime that makes %i of the largest pair", async (y, saturates) => {
  const made = {
    outputNames: ["y"],
    outputMetadata: [{ name: "y", isTensor: true, type: "int32" }],
    run: async () => ({ y: { data: Int32Array.of(y) } }),
    release: async () => {},
  };
  const runtime = { InferenceSession: { create: async () => made }, Tensor: ort.Tensor } as unknown as Runtime;
  expect(await productsSaturate(runtime)).toBe(saturates);
});

test.each([
  ["int8_qdq_all_bits", true],
  ["int8_qdq", false],
  ["int8_qoperator", false],
  ["float", false],
])("%s multiplies uint8 by all bits of int8: %s", (name, wide) => {
  expect(multipliesAllBits(readModel(file(name)))).toBe(wide);
});

const weights = (most: number): Numbers => ({ type: DataType.INT8, dims: [2, 1], values: [most, 1] });
test.each([
  ["dynamic quantisation", 127, "DynamicQuantizeLinear", "x", true],
  ["dynamic quantisation to seven bits", -64, "DynamicQuantizeLinear", "x", false],
  ["a zero point that is left out", -65, "QuantizeLinear", "x s", true],
  ["int8 by int8", 127, "QuantizeLinear", "x s z", false],
])("%s: %i by %s", (_, most, opType, reads, wide) => {
  const quantise = node(opType, reads, opType === "QuantizeLinear" ? "q" : "q qs qz");
  const nodes = [quantise, node("MatMulInteger", "q w", "p"), node("Cast", "p", "y", { to: DataType.FLOAT })];
  const z: Numbers = { type: DataType.INT8, dims: [], values: [0] };
  const bytes = model({ opset: 13, inputs: { x: [1, 2], s: floats(1), z, w: weights(most) }, nodes });
  expect(multipliesAllBits(readModel(bytes))).toBe(wide);
});
