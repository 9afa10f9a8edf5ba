/** @file The same as zennit, lxt and TorchRay give; relevance-goldens.json and its networks are by make_relevance_goldens.py. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, ask, numbers } from "../explain/ask.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const network = (name: string) => new Uint8Array(read(name));
const goldens: Record<string, number[]> = JSON.parse(read("relevance-goldens.json").toString());

/** The numbers of make_relevance_goldens.py. */
function pictures(side = 10, bright = false) {
  const values = Array.from({ length: 72 * side }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
  const data = Float32Array.from(bright ? values.map(Math.abs) : values);
  return { input: new ort.Tensor("float32", data, [2, 3, 12, side]) };
}

async function distance(
  bytes: Uint8Array,
  feeds: ReturnType<typeof pictures>,
  method: MethodName,
  golden: string,
  options: GivenOptions = {},
) {
  const { pixels } = await ask(bytes, feeds, { target: [1, 3], method, options });
  return apart(numbers(pixels), goldens[golden] ?? []);
}

const rules: readonly (readonly [golden: string, options: GivenOptions])[] = [
  ["epsilon-plus-flat", {}],
  ["epsilon-plus", { composite: "epsilon-plus" }],
  ["epsilon-alpha2-beta1-flat", { composite: "epsilon-alpha2-beta1-flat" }],
  ["epsilon-alpha2-beta1", { composite: "epsilon-alpha2-beta1" }],
  ["epsilon-gamma-box", { composite: "epsilon-gamma-box" }],
  ["epsilon", { rule: "epsilon" }],
  ["epsilon 0.1", { rule: "epsilon", epsilon: 0.1 }],
  ["gamma", { rule: "gamma" }],
  ["alpha-beta", { rule: "alpha-beta" }],
  ["z-plus", { rule: "z-plus" }],
];

describe("lrp, by zennit", () => {
  test.each(rules)("of convolutions and dense layers: %s", async (golden, options) =>
    expect(await distance(network("golden.onnx"), pictures(), "lrp", `plain ${golden}`, options)).toBeLessThan(1e-5),
  );
  test.each(rules)("of branches with batch normalisations of their own: %s", async (golden, options) =>
    expect(
      await distance(network("golden-residual.onnx"), pictures(), "lrp", `residual ${golden}`, options),
    ).toBeLessThan(1e-5),
  );
});

test("lrp, by captum: the epsilon rule everywhere", async () => {
  const options = { rule: "epsilon", epsilon: 1e-9 };
  expect(await distance(network("golden.onnx"), pictures(), "lrp", "captum epsilon", options)).toBeLessThan(1e-5);
});

describe("excitation-backprop", () => {
  test("by zennit", async () =>
    expect(await distance(network("golden.onnx"), pictures(), "excitation-backprop", "plain excitation")).toBeLessThan(
      1e-5,
    ));
  test("by zennit and TorchRay, of a picture without numbers below 0", async () =>
    expect(
      await distance(network("golden.onnx"), pictures(10, true), "excitation-backprop", "bright excitation"),
    ).toBeLessThan(1e-5));
  test("contrastive, by TorchRay", async () =>
    expect(
      await distance(network("golden.onnx"), pictures(10, true), "excitation-backprop", "bright contrastive", {
        variant: "contrastive",
      }),
    ).toBeLessThan(1e-5));
});

describe.each(["golden-attention.onnx", "golden-attention-20.onnx"])("of a transformer, by lxt: %s", (name) => {
  test("attn-lrp", async () =>
    expect(await distance(network(name), pictures(8), "attn-lrp", "attention attn-lrp")).toBeLessThan(1e-5));
  test("lrp with attention held (CP-LRP)", async () =>
    expect(
      await distance(network(name), pictures(8), "lrp", "attention epsilon", { rule: "epsilon", epsilon: 1e-9 }),
    ).toBeLessThan(1e-5));
});
