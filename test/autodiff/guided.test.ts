import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Rules } from "../../src/autodiff/rules.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { float } from "../../src/onnx/proto.ts";
import { type Attributes, floats, oneNode, type Sources, tensor } from "../models.ts";
import { session } from "../ops/rules.ts";

// Every combination of the sign of x and of dy, and values above 6.
const x = tensor([-2, -2, 0, 0, 1, 1, 7, 7]);
const seed = tensor([3, -3, 3, -3, 3, -3, 3, -3]);

async function gradient(
  rules: Rules,
  opType: string,
  opset: number,
  attributes: Attributes,
  constants: Sources,
): Promise<number[]> {
  const bytes = oneNode(opType, { opset, inputs: { x: [8], ...constants }, attributes });
  const { gradients } = await vjp(ort, bytes, { feeds: { x }, seeds: { y: seed }, wrt: ["x"], rules, session });
  return Array.from(gradients.x.data as Float32Array, (g) => g + 0); // -0 is 0
}

type Form = readonly [title: string, opType: string, opset: number, attributes: Attributes, constants: Sources];
const relus: Form[] = [7, 9, 13, 16].map((opset) => [`opset ${opset}`, "Relu", opset, {}, {}]);
const relu6: Form[] = [
  ["attributes, opset 7", "Clip", 7, { min: float(0), max: float(6) }, {}],
  ["attributes, opset 10", "Clip", 10, { min: float(0), max: float(6) }, {}],
  ["inputs, opset 11", "Clip", 11, {}, { min: floats(0), max: floats(6) }],
  ["inputs, opset 13", "Clip", 13, {}, { min: floats(0), max: floats(6) }],
];

describe("Relu", () => {
  test.each(relus)("%s", async (_, ...form) => {
    expect(await gradient("plain", ...form)).toEqual([0, 0, 0, 0, 3, -3, 3, -3]);
    expect(await gradient("guided", ...form)).toEqual([0, 0, 0, 0, 3, 0, 3, 0]);
    expect(await gradient("deconv", ...form)).toEqual([3, 0, 3, 0, 3, 0, 3, 0]);
  });
});

describe("Clip from 0 to 6", () => {
  test.each(relu6)("%s", async (_, ...form) => {
    expect(await gradient("plain", ...form)).toEqual([0, 0, 0, 0, 3, -3, 0, 0]);
    expect(await gradient("guided", ...form)).toEqual([0, 0, 0, 0, 3, 0, 0, 0]);
    expect(await gradient("deconv", ...form)).toEqual([3, 0, 3, 0, 3, 0, 3, 0]);
  });
});

describe("what is no rectifier keeps its gradient", () => {
  test.each<Form>([
    ["Clip from -1 to 1, attributes", "Clip", 10, { min: float(-1), max: float(1) }, {}],
    ["Clip from -1 to 1, inputs", "Clip", 13, {}, { min: floats(-1), max: floats(1) }],
    ["Clip from 0, attribute", "Clip", 10, { min: float(0) }, {}],
    ["Clip from 0, input", "Clip", 13, {}, { min: floats(0) }],
    ["Clip to 6, input", "Clip", 13, {}, { min: undefined, max: floats(6) }],
    ["Clip to 6, attribute", "Clip", 10, { max: float(6) }, {}],
    ["Clip without bounds", "Clip", 13, {}, {}],
    ["LeakyRelu", "LeakyRelu", 13, { alpha: float(0.5) }, {}],
    ["PRelu", "PRelu", 13, {}, { slope: floats([0.5]) }],
    ["Elu", "Elu", 13, {}, {}],
    ["HardSwish", "HardSwish", 14, {}, {}],
    ["Sigmoid", "Sigmoid", 13, {}, {}],
  ])("%s", async (_, ...form) => {
    const plain = await gradient("plain", ...form);
    expect(plain.some((g) => g < 0)).toBe(true);
    expect(await gradient("guided", ...form)).toEqual(plain);
    expect(await gradient("deconv", ...form)).toEqual(plain);
  });
});

test("an unknown set of rules is refused, and the known are listed", async () => {
  const error = await gradient("gilded" as Rules, "Relu", 13, {}, {}).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "invalid-option", message: expect.stringContaining("plain, guided, deconv") });
});
