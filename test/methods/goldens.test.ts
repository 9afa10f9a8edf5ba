/**
 * @file The same maps as pytorch-grad-cam gives at layers and captum at the pixels; goldens.json is by make_goldens.py. Where pytorch-grad-cam is
 * not right (Grad-CAM++, Score-CAM, Ablation-CAM of a negative score, the sign of Eigen-CAM) or has no such method (Recipro-CAM), the equation
 * itself, written there with numpy and torch.
 */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { vjp } from "../../src/index.ts";
import { apart, ask, numbers, session } from "../explain/ask.ts";
import { goldensOf, goldenPicture as picture } from "./goldens.ts";

const network = new Uint8Array(readFileSync(new URL("golden.onnx", import.meta.url)));
const goldens = goldensOf("goldens.json");

test("the scores", async () => {
  const { outputs } = await vjp(ort, network, { feeds: picture(2, 3, 16, 20), seeds: {}, wrt: [], session });
  expect(apart(numbers(outputs.logits), goldens.of("logits"))).toBeLessThan(1e-5);
});

test("grad-cam", async () => {
  const { maps } = await ask(network, picture(2, 3, 16, 20), { target: [1, 3] });
  expect(maps.dims).toEqual([2, 8, 10]);
  expect(apart(numbers(maps), goldens.of("grad-cam"))).toBeLessThan(1e-5);
});

const atEarlyLayer = [
  ...(["hires-cam", "layer-cam", "grad-cam++", "element-wise-grad-cam", "xgrad-cam"] as const),
  ...(["eigen-cam", "eigen-grad-cam"] as const),
];

test.each(atEarlyLayer)("%s", async (method) => {
  const options = { target: [1, 3], method, layer: "/features/features.2/Relu_output_0" };
  const { maps } = await ask(network, picture(2, 3, 16, 20), options);
  expect(maps.dims).toEqual([2, 16, 20]);
  expect(apart(numbers(maps), goldens.of(method))).toBeLessThan(1e-5);
});

test.each(["score-cam", "ablation-cam", "finer-cam", "recipro-cam"] as const)("%s", async (method) => {
  const { maps } = await ask(network, picture(2, 3, 16, 20), { target: [1, 3], method });
  expect(maps.dims).toEqual([2, 8, 10]);
  // Ablation subtracts scores that are nearly the same: float32 leaves so much of the difference.
  expect(apart(numbers(maps), goldens.of(method))).toBeLessThan(method === "ablation-cam" ? 1e-4 : 1e-5);
});

test.each(["gradient", "guided-backprop", "deconvolution"] as const)("%s", async (method) => {
  const { pixels } = await ask(network, picture(2, 3, 16, 20), { target: [1, 3], method });
  expect(pixels?.dims).toEqual([2, 3, 16, 20]);
  expect(apart(numbers(pixels), goldens.of(method))).toBeLessThan(1e-4);
});

test("occlusion", async () => {
  const { maps } = await ask(network, picture(1, 3, 36, 40), { target: 2, method: "occlusion" });
  expect(maps.dims).toEqual([1, 36, 40]);
  expect(apart(numbers(maps), goldens.of("occlusion"))).toBeLessThan(1e-4);
});
