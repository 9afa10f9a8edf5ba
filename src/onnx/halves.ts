/**
 * @file How half precision is handed to ONNX Runtime. Where the platform has a Float16Array, `ort.Tensor` makes one of whatever it is
 * given, bit patterns too; onnxruntime-web reads that, but the binding of onnxruntime-node (1.30, and every one before it) reads a
 * Uint16Array alone and takes anything else for an empty tensor. No version and no platform tells which it is, so the runtime is asked,
 * once, by a model that gives back what it gets.
 */

import { halfToNumber } from "../array/half.ts";
import type { Runtime, Session, Tensor } from "./ort.ts";
import { DataType, encodeModel, makeGraph, makeImport, makeModel, makeNode, makeValueInfo } from "./proto.ts";

/** By what makes its sessions: the namespace around it may be a new one each time. */
const answers = new WeakMap<Runtime["InferenceSession"], Promise<boolean>>();

/** A tensor of half precision as this runtime reads it, in the same memory. */
export async function readableHalf(ort: Runtime, tensor: Tensor): Promise<Tensor> {
  const answer = answers.get(ort.InferenceSession) ?? wantsBits(ort, tensor.data.constructor as typeof Float32Array);
  answers.set(ort.InferenceSession, answer);
  return (await answer) ? asBits(ort, tensor) : tensor;
}

/** The same memory as bit patterns, in a tensor that shows them: its constructor alone would make a Float16Array of them again. */
function asBits(ort: Runtime, { data, dims }: Tensor): Tensor {
  const { buffer, byteOffset, length } = data as Uint16Array<ArrayBuffer>;
  const bits = new Uint16Array(buffer, byteOffset, length);
  return Object.defineProperty(new ort.Tensor("float16", data as Uint16Array, dims), "data", { value: bits });
}

/** Whether it reads bit patterns, and not the platform's own array. A runtime that reads neither is left to say so of the model itself. */
async function wantsBits(ort: Runtime, Own: typeof Float32Array): Promise<boolean> {
  const session = await ort.InferenceSession.create(same(), { executionProviders: ["cpu"], logSeverityLevel: 3 });
  const two = new ort.Tensor("float16", Own.from(numbers) as object as Uint16Array, [numbers.length]);
  try {
    return !(await givesBack(session, two)) && (await givesBack(session, asBits(ort, two)));
  } finally {
    await session.release();
  }
}

const numbers = [1, -2];

async function givesBack(session: Session, x: Tensor): Promise<boolean> {
  try {
    const { data } = (await session.run({ x })).y;
    const got = Array.from(data as Uint16Array, data instanceof Uint16Array ? halfToNumber : Number);
    return got.every((v, i) => v === numbers[i]);
  } catch {
    return false;
  }
}

/** y = x, of numbers in half precision. */
function same(): Uint8Array {
  const [x, y] = ["x", "y"].map((name) => makeValueInfo(name, DataType.FLOAT16, [numbers.length]));
  const graph = makeGraph({ name: "same", node: [makeNode("Identity", ["x"], ["y"])], input: [x], output: [y] });
  return encodeModel(makeModel({ irVersion: 7n, opsetImport: [makeImport("", 13)], graph }));
}
