/** @file The same as torch-cam, captum and the equations of make_layer_goldens.py give, with the same draws; which peers are not right is said there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, ask, numbers } from "../explain/ask.ts";
import { goldenPicture, goldensOf } from "./goldens.ts";

const network = (name: string) => new Uint8Array(readFileSync(new URL(name, import.meta.url)));
const [plain, pooled] = [network("golden.onnx"), network("golden-pooled.onnx")];
const goldens = goldensOf("layer-goldens.json");

/** The first rectifier, behind which each place has a gradient of its own. */
const layer = "/features/features.2/Relu_output_0";
const cases: readonly (readonly [MethodName, GivenOptions])[] = [
  ["odam", {}],
  ["random", { seed: 4 }],
  ["smooth-grad-cam++", { samples: 3, sigma: 0.3, seed: 4 }],
];

test.each(cases)("%s", async (method, options) => {
  const { maps } = await ask(plain, goldenPicture(2, 3, 16, 20), { target: [1, 3], method, options, layer });
  expect(maps.dims).toEqual([2, 16, 20]);
  expect(apart(numbers(maps), goldens.of(method))).toBeLessThan(1e-5);
});

test("guided-grad-cam", async () => {
  const { pixels } = await ask(plain, goldenPicture(2, 3, 16, 20), { target: [1, 3], method: "guided-grad-cam" });
  expect(pixels?.dims).toEqual([2, 3, 16, 20]);
  expect(apart(numbers(pixels), goldens.of("guided-grad-cam"))).toBeLessThan(1e-5);
});

test("cam", async () => {
  const asked = { target: [1, 3], method: "cam", options: { sign: "signed" } } as const;
  const { maps } = await ask(pooled, goldenPicture(2, 3, 16, 20), asked);
  expect(maps.dims).toEqual([2, 8, 10]);
  expect(apart(numbers(maps), goldens.of("cam"))).toBeLessThan(1e-5);
});
