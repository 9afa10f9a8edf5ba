/** @file The same as captum gives (saliency: Guided IG, and the blur of Blur IG), with the same draws; gradient-goldens.json is by make_gradient_goldens.py. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, ask, numbers } from "../explain/ask.ts";
import { goldenPicture, goldensOf } from "./goldens.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const network = new Uint8Array(read("golden.onnx"));
const unpooled = new Uint8Array(read("golden-unpooled.onnx"));
const goldens = goldensOf("gradient-goldens.json");
const pictures = () => goldenPicture(2, 3, 12, 10);

const noise = { samples: 6, sigma: 0.15, seed: 3 };
const cases: readonly (readonly [golden: string, MethodName, GivenOptions])[] = [
  ["input-x-gradient", "input-x-gradient", {}],
  ["smoothgrad", "smoothgrad", noise],
  ["vargrad", "vargrad", noise],
  ["squaregrad", "squaregrad", noise],
  ["gradient-shap", "gradient-shap", { ...noise, sigma: 0.07 }],
  ["integrated-gradients", "integrated-gradients", { steps: 16 }],
  ["integrated-gradients mean", "integrated-gradients", { steps: 16, baseline: "mean" }],
  ["blur-ig", "blur-ig", { steps: 16, sigma: 8 }],
  ["guided-ig", "guided-ig", { steps: 16 }],
  ["deeplift", "deeplift", {}],
  ["deeplift mean", "deeplift", { baseline: "mean" }],
  ["rise", "rise", { samples: 40, cells: 2, seed: 3 }],
  ["edges", "edges", {}],
];

test("the scores", async () => {
  const { outputs } = await ask(network, pictures(), { method: "gradient", target: 0 });
  expect(apart(numbers(outputs.logits), goldens.of("logits"))).toBeLessThan(1e-5);
});

test.each(cases)("%s", async (golden, method, options) => {
  const { pixels, maps } = await ask(method === "deeplift" ? unpooled : network, pictures(), {
    ...{ target: [1, 3], method, options },
  });
  expect(maps.dims).toEqual([2, 12, 10]);
  if (pixels) expect(pixels.dims).toEqual([2, 3, 12, 10]);
  expect(apart(numbers(pixels ?? maps), goldens.of(golden))).toBeLessThan(1e-5);
});

test("a batch of any size gives the same", async () => {
  const asked = { target: [1, 3], method: "integrated-gradients" } as const;
  const { pixels } = await ask(network, pictures(), { ...asked, options: { steps: 16, batch: 3 } });
  expect(apart(numbers(pixels), goldens.of("integrated-gradients"))).toBeLessThan(1e-5);
});
