/** @file The same as captum gives (saliency: Guided IG, and the blur of Blur IG), with the same draws; gradient-goldens.json is by make_gradient_goldens.py. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { defineMethod, type Question } from "../../src/index.ts";
import { blurIgOf } from "../../src/methods/gradient/blur-ig.ts";
import { gradientShapOf } from "../../src/methods/gradient/gradient-shap.ts";
import { guidedIgOf } from "../../src/methods/gradient/guided-ig.ts";
import { inputXGradient } from "../../src/methods/gradient/input-x-gradient.ts";
import { integratedGradientsOf } from "../../src/methods/gradient/integrated-gradients.ts";
import { smoothGradOf } from "../../src/methods/gradient/smoothgrad.ts";
import { spreadOf } from "../../src/methods/gradient/vargrad.ts";
import type { Explanation } from "../../src/methods/method.ts";
import { apart, ask, numbers } from "../explain/ask.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const network = new Uint8Array(read("golden.onnx"));
const goldens: Record<string, number[]> = JSON.parse(read("gradient-goldens.json").toString());

/** The numbers of make_gradient_goldens.py. */
function pictures() {
  const dims = [2, 3, 12, 10];
  const data = Float32Array.from({ length: 720 }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
  return { input: new ort.Tensor("float32", data, dims) };
}

const noise = { samples: 6, sigma: 0.15, seed: 3 };
const cases: Readonly<Record<string, (question: Question) => Promise<Explanation>>> = {
  "input-x-gradient": (question) => inputXGradient.explain(question),
  smoothgrad: (question) => smoothGradOf(question, noise),
  vargrad: (question) => spreadOf(question, noise, true),
  squaregrad: (question) => spreadOf(question, noise, false),
  "gradient-shap": (question) => gradientShapOf(question, { ...noise, sigma: 0.07, baseline: 0 }),
  "integrated-gradients": (question) => integratedGradientsOf(question, { steps: 16, baseline: 0 }),
  "integrated-gradients mean": (question) => integratedGradientsOf(question, { steps: 16, baseline: "mean" }),
  "blur-ig": (question) => blurIgOf(question, { steps: 16, sigma: 8 }),
  "guided-ig": (question) => guidedIgOf(question, { steps: 16, baseline: 0 }),
};

test.each(Object.entries(cases))("%s", async (name, explain) => {
  const method = defineMethod({ name: "by-hand", space: "pixels", explain });
  const { pixels } = await ask(network, pictures(), { target: [1, 3], method });
  expect(pixels?.dims).toEqual([2, 3, 12, 10]);
  const off = apart(numbers(pixels), goldens[name] ?? []);
  console.log(name, off);
  expect(off).toBeLessThan(1e-5);
});
