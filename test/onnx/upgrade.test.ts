import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/onnx/model.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { upgrade } from "../../src/onnx/upgrade.ts";
import {
  type Attributes,
  floats,
  ints,
  model,
  node,
  oneNode,
  randomFeeds,
  type Sources,
  withFloats,
} from "../models.ts";
import { session } from "../ops/rules.ts";

async function output(bytes: Uint8Array, inputs: Sources): Promise<unknown> {
  const opened = await openSession(ort, bytes, session);
  return [...(await run(opened, randomFeeds(inputs))).y.data];
}

const x = { x: [2, 3, 4, 4] };
const three = [0.5, 1.5, 2.5];
describe("operator sets 7 and 8 compute the same as 9", () => {
  test.each<[string, Sources, Attributes]>([
    ["Relu", x, {}],
    [
      "BatchNormalization",
      { ...x, scale: floats(three), bias: floats(three), mean: floats(three), variance: floats(three) },
      {},
    ],
    ["Softmax", x, { axis: 1 }],
    ["Flatten", x, { axis: 2 }],
    ["MaxPool", x, { kernel_shape: [2, 2] }],
    ["Reshape", { ...x, shape: ints([0, -1]) }, {}],
    ["Dropout", x, {}],
    ["ReduceMean", x, { axes: [2, 3] }],
  ])("%s", async (opType, inputs, attributes) => {
    for (const opset of [7, 8]) {
      const bytes = oneNode(opType, { opset, inputs, attributes, ir: 3 });
      const upgraded = upgrade(readModel(bytes));
      expect(upgraded.opset).toBe(9);
      expect(await output(upgraded.bytes, inputs)).toEqual(await output(bytes, inputs));
    }
  });

  test("Upsample, whose scales become an input", async () => {
    const upsample = withFloats(node("Upsample", "x", "y", { mode: "nearest" }), "scales", [1, 1, 2, 3]);
    const bytes = model({ opset: 7, inputs: x, nodes: [upsample], ir: 3 });
    const upgraded = upgrade(readModel(bytes));
    expect(upgraded.graph.node[0].input).toHaveLength(2);
    expect(await output(upgraded.bytes, x)).toEqual(await output(bytes, x));
  });
});

// `spatial` was taken away in operator set 9; networks exported from MXNet have it, as 1, its default.
test("BatchNormalization with spatial = 1: the attribute is dropped", async () => {
  const inputs = { ...x, scale: floats(three), bias: floats(three), mean: floats(three), variance: floats(three) };
  const bytes = oneNode("BatchNormalization", { opset: 7, inputs, attributes: { spatial: 1 } });
  expect(await output(upgrade(readModel(bytes)).bytes, inputs)).toEqual(await output(bytes, inputs));
});

test("initialisers leave the inputs, so that they fold", () => {
  const bytes = oneNode("Add", { opset: 7, inputs: { x: [3], b: floats([1, 2, 3]) }, ir: 3 });
  const upgraded = upgrade(readModel(bytes));
  expect(upgraded.graph.input.map(({ name }) => name)).toEqual(["x"]);
  expect(upgraded.proto.irVersion).toBe(4n);
});

test("newer models stay as they are", () => {
  for (const opset of [9, 13, 21]) {
    const read = readModel(oneNode("Relu", { opset, inputs: x }));
    expect(upgrade(read)).toBe(read);
  }
});

test("older ones are refused, and the allowed are named", () => {
  const read = readModel(oneNode("Relu", { opset: 6, inputs: x }));
  expect(() => upgrade(read)).toThrowError(
    expect.objectContaining({ code: "invalid-model", message: expect.stringMatching(/6.*7/) }),
  );
});
