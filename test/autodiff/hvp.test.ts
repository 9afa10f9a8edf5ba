/** @file The product of the Hessian with a direction: where it is known, and against differences of gradients. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { randomNormal } from "../../src/array/random.ts";
import { hvp, vjp } from "../../src/index.ts";
import type { Feeds, Tensor } from "../../src/onnx/runtime.ts";
import { apart, expectUserError, numbers, session } from "../explain/ask.ts";
import { model, node, tensor } from "../models.ts";
import { classToken, images, patchTokens, squeezeExcite, unet, vgg } from "../nets.ts";

const ofThree = (nodes: Parameters<typeof model>[0]["nodes"], inputs = { x: [3] }) =>
  model({ opset: 13, inputs, nodes, outputs: ["y"] });

describe("worked out on paper", () => {
  test("y = sum x^3: H v = 6 x v", async () => {
    const cubes = ofThree([
      node("Mul", "x x", "square"),
      node("Mul", "square x", "cube"),
      node("ReduceSum", "cube", "y"),
    ]);
    const x = tensor([1, -2, 0.5]);
    const { outputs, gradients, products } = await hvp(ort, cubes, {
      ...{ feeds: { x }, seeds: { y: tensor([1], [1]) }, directions: { x: tensor([1, 1, 2]) }, session },
    });
    expect(numbers(outputs.y)).toEqual([-6.875]);
    expect(numbers(gradients.x)).toEqual([3, 12, 0.75]);
    expect(numbers(products.x)).toEqual([6, -12, 6]);
  });
  test("y = sum a b: the block between them is the identity, and those of each 0", async () => {
    const product = ofThree([node("Mul", "a b", "ab"), node("ReduceSum", "ab", "y")], { a: [3], b: [3] } as never);
    const { products } = await hvp(ort, product, {
      ...{ feeds: { a: tensor([1, 2, 3]), b: tensor([4, 5, 6]) }, seeds: { y: tensor([1], [1]) }, session },
      ...{ directions: { a: tensor([7, 8, 9]) }, wrt: ["a", "b"] },
    });
    expect(numbers(products.a)).toEqual([0, 0, 0]);
    expect(numbers(products.b)).toEqual([7, 8, 9]);
  });
  test("of what is linear it is 0", async () => {
    const linear = ofThree([node("Neg", "x", "minus"), node("Relu", "minus", "y")]);
    const asked = {
      feeds: { x: tensor([1, -2, 3]) },
      seeds: { y: tensor([1, 1, 1]) },
      directions: { x: tensor([1, 1, 1]) },
    };
    expect(numbers((await hvp(ort, linear, { ...asked, session })).products.x).map(Math.abs)).toEqual([0, 0, 0]);
  });
});

const normal = (dims: readonly number[], seed: number): Tensor =>
  tensor([...randomNormal(seed)(dims.reduce((a, b) => a * b, 1))], [...dims]);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);

/** The Hessian is symmetric, and what gradients change by along the direction. */
async function check(bytes: Uint8Array, feeds: Feeds, input: string, output: string, step: number) {
  const { outputs } = await vjp(ort, bytes, { feeds, seeds: {}, wrt: [], session });
  const seeds = { [output]: normal(outputs[output].dims, 3) };
  const x = feeds[input];
  const [u, v] = [normal(x.dims, 4), normal(x.dims, 5)];
  const along = async (direction: Tensor) =>
    numbers((await hvp(ort, bytes, { feeds, seeds, directions: { [input]: direction }, session })).products[input]);
  const [hu, hv] = [await along(u), await along(v)];
  const scale = Math.sqrt(dot(hu, hu) * dot(numbers(v), numbers(v))) || 1;
  expect(Math.abs(dot(numbers(v), hu) - dot(numbers(u), hv)) / scale).toBeLessThan(1e-5);
  const way = numbers(v);
  const moved = async (by: number) => {
    const at = tensor(
      numbers(x).map((value, i) => value + by * way[i]),
      [...x.dims],
    );
    return numbers(
      (await vjp(ort, bytes, { feeds: { ...feeds, [input]: at }, seeds, wrt: [input], session })).gradients[input],
    );
  };
  const [before, behind] = [await moved(-step), await moved(step)];
  return { hv, differences: behind.map((value, i) => (value - before[i]) / (2 * step)) };
}

test.each([
  ["squeeze and excitation", squeezeExcite(), "logits"],
  ["attention", classToken(), "logits"],
])("%s", async (_, bytes, output) => {
  const { hv, differences } = await check(bytes, images(), "x", output, 1e-3);
  expect(Math.max(...hv.map(Math.abs))).toBeGreaterThan(1e-4);
  expect(apart(hv, differences)).toBeLessThan(2e-2);
});

test.each([
  ["maxima and rectifiers", vgg()],
  ["convolutions up", unet()],
  ["patches", patchTokens()],
])("%s alone are flat", async (_, bytes) => {
  const { hv } = await check(bytes, images(), "x", "logits", 1e-3);
  expect(hv.every((value) => Math.abs(value) < 1e-6)).toBe(true);
});

test.each(["densenet_op14", "vgg_fc_op11"])("%s is flat too", async (name) => {
  const folder = new URL(`../conformance/${name}/`, import.meta.url);
  const read = (file: string) => new Uint8Array(readFileSync(new URL(file, folder)));
  const { data, shape } = decodeNpy(read("input_input.npy"));
  const feeds = { input: tensor([...data], shape) };
  const { output } = JSON.parse(Buffer.from(read("case.json")).toString());
  const { hv } = await check(read("model.onnx"), feeds, "input", output ?? "output", 1e-3);
  expect(hv.every((value) => value === 0)).toBe(true);
});

test("what is wrong with a direction", async () => {
  const asked = { feeds: images(), seeds: { logits: normal([2, 5], 1) }, session };
  const direction = (directions: Feeds) => hvp(ort, vgg(), { ...asked, directions });
  await expectUserError(
    direction({ x: normal([2, 3], 2) }),
    "invalid-input",
    /direction: "x" has shape \[.*\], the direction \[2,3\]/,
  );
  await expectUserError(direction({ z: normal([2, 3], 2) }), "unknown-name", /no "z"/);
  await expectUserError(hvp(ort, vgg(), asked as never), "invalid-option", /directions/);
});
