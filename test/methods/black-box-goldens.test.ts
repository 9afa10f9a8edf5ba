/**
 * @file The same as lime, captum, xplique and saliency give, and as torch differentiates an extremal perturbation, with the same draws;
 * black-box-goldens.json is by make_black_box_goldens.py.
 */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import { dependences } from "../../src/methods/black-box/sensitivity.ts";
import { shapleyValues } from "../../src/methods/black-box/superpixel-fits.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { apart, ask, numbers } from "../explain/ask.ts";

interface Goldens {
  readonly [method: string]: unknown;
  readonly "kernel-shap": {
    readonly shown: number[];
    readonly columns: number;
    readonly scores: number[];
    readonly values: number[];
  };
  readonly hsic: {
    readonly masks: number[];
    readonly cells: number;
    readonly scores: number[];
    readonly values: number[];
  };
}
const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const network = new Uint8Array(read("golden.onnx"));
const goldens: Goldens = JSON.parse(read("black-box-goldens.json").toString());

/** The numbers of make_gradient_goldens.py. */
function pictures() {
  const data = Float32Array.from({ length: 720 }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
  return { input: new ort.Tensor("float32", data, [2, 3, 12, 10]) };
}

const cases: readonly (readonly [MethodName, GivenOptions])[] = [
  ["lime", { samples: 60, segments: 9, compactness: 0.2, seed: 3 }],
  ["xrai", { steps: 16 }],
  ["extremal-perturbation", { area: 0.2, steps: 12 }],
  ["sobol", { cells: 3, samples: 16 }],
];

test.each(cases)("%s", async (method, options) => {
  const { maps } = await ask(network, pictures(), { target: [1, 3], method, options });
  expect(maps.dims).toEqual([2, 12, 10]);
  // Sobol takes squares of differences of scores that are nearly the same: float32 leaves so much of them.
  expect(apart(numbers(maps), goldens[method] as number[])).toBeLessThan(method === "sobol" ? 1e-4 : 1e-5);
});

test("kernel-shap: captum's fit to the same subsets", () => {
  const { shown, columns, scores, values } = goldens["kernel-shap"];
  const weights = Float64Array.from(scores, (_, s) => (s < 2 ? 0 : 1));
  const samples = { shown: Uint8Array.from(shown), columns, weights };
  expect(apart([...shapleyValues(samples, Float64Array.from(scores))], values)).toBeLessThan(1e-5);
});

test("hsic: xplique's estimator on the same masks", () => {
  const { masks, cells, scores, values } = goldens.hsic;
  const found = dependences({ masks: Float64Array.from(masks), cells }, Float64Array.from(scores));
  expect(apart([...found], values)).toBeLessThan(1e-5);
});
