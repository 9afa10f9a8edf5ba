/**
 * @file The same maps as pytorch-grad-cam, torch-cam and scikit-learn give; cam-goldens.json is by make_cam_goldens.py. Where they are not right,
 * the equation itself, in float64 (the script prints how far they are from it): torch-cam's Grad-CAM++ divides a copy of alpha, its Score-CAM scales
 * channels before they are resized, and its IS-CAM adds up the shares of the mask instead of taking them one by one; pytorch-grad-cam scales
 * every bias of FullGrad to 0..1 by itself.
 */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomFor } from "../../src/array/random.ts";
import type { GivenOptions, MethodName } from "../../src/index.ts";
import { factorised } from "../../src/methods/nmf.ts";
import { apart, ask, expectClose, numbers } from "../explain/ask.ts";
import { small, smallPicture } from "./nets.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url));
const network = new Uint8Array(read("golden.onnx"));
const goldens: Record<string, number[]> = JSON.parse(read("cam-goldens.json").toString());
const golden = (name: string): number[] => {
  const values = goldens[name];
  if (!values) throw new Error(`no golden values of ${name}`);
  return values;
};
const data = Float32Array.from({ length: 2 * 3 * 16 * 20 }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
const picture = { input: new ort.Tensor("float32", data, [2, 3, 16, 20]) };
const layers = { last: undefined, early: "/features/features.2/Relu_output_0" } as const;
const of = (method: MethodName, layer: keyof typeof layers, options?: GivenOptions) =>
  ask(network, picture, { target: [1, 3], method, layer: layers[layer], options });

test.each(["last", "early"] as const)(
  "shapley-cam, of the score and its log-probability, at the %s layer",
  async (layer) => expectClose(numbers((await of("shapley-cam", layer)).maps), golden(`shapley-cam ${layer}`)),
);

describe.each(["grad-cam", "hires-cam"] as const)("%s", (method) => {
  test.each(["last", "early"] as const)("of augmented images, at the %s layer", async (layer) => {
    const { maps } = await of(method, layer, { augment: "mirror-and-brightness" });
    expectClose(numbers(maps), golden(`${method} ${layer} augmented`));
  });
  test.each(["last", "early"] as const)("smoothed, at the %s layer", async (layer) => {
    const { maps } = await of(method, layer, { smooth: "principal-component", sign: "signed" });
    expectClose(numbers(maps), golden(`${method} ${layer} smooth`));
  });
});

test.each(Object.keys(goldens).filter((name) => name.startsWith("torch-cam ")))("%s", async (name) => {
  const [, method, layer] = name.split(" ");
  const { maps } = await of(method as MethodName, layer as keyof typeof layers);
  expectClose(numbers(maps), golden(name));
});
test("torch-cam is right of three methods", () =>
  expect(Object.keys(goldens).filter((name) => name.startsWith("torch-cam "))).toHaveLength(6));

describe("score-cam", () => {
  test.each([
    ["score-cam", {}],
    ["is", { steps: 4 }],
    ["faster", { channels: 4 }],
    ["faster", { channels: 4, batch: 3 }],
  ])("%s %j", async (name, options) =>
    expectClose(numbers((await of("score-cam", "last", options)).maps), golden(`score-cam ${name}`)),
  );
  test("with noise: the mean over the masks with that of the seed", async () => {
    const [sigma, samples, seed] = [0.5, 3, 4];
    const { maps } = await ask(small, smallPicture, {
      target: 0,
      method: "score-cam",
      options: { sigma, samples, seed },
    });
    const x = [1, -2, -1, 3];
    const [a0, a1] = [
      [1, 0, 0, 3],
      [1, 4, 3, 0],
    ];
    // Masks 0..1 of the two channels, and the scores of x through them: A0 = ReLU(x), A1 = ReLU(2 - x), y0 their means, 1 and 2.
    const scores = [a0.map((v) => v / 3), a1.map((v) => v / 4)].map((mask, k) => {
      let sum = 0;
      for (let s = 0; s < samples; s++) {
        const random = randomFor("score-cam", seed, k * samples + s);
        const seen = mask.map((m, p) => Math.fround(Math.fround(m) + sigma * random.normal()) * (x[p] ?? 0));
        sum += seen.reduce((all, v) => all + (Math.max(0, v) + 2 * Math.max(0, 2 - v)) / 4, 0) / samples;
      }
      return sum;
    });
    const weight = 1 / (1 + Math.exp((scores[1] ?? 0) - (scores[0] ?? 0)));
    expectClose(
      numbers(maps),
      a0.map((v, p) => weight * v + (1 - weight) * (a1[p] ?? 0)),
    );
  });
});

test("full-grad", async () => expectClose(numbers((await of("full-grad", "last")).maps), golden("full-grad")));

test("deconv-grad-cam", async () =>
  expect(apart(numbers((await of("deconv-grad-cam", "last")).pixels), golden("deconv-grad-cam"))).toBeLessThan(1e-4));

test("deep-feature-factorisation: factors of a layer, from the same start", () => {
  const matrix = (name: string, rows: number) => {
    const values = golden(name);
    return { data: Float64Array.from(values), rows, columns: values.length / rows };
  };
  const { w, h } = factorised(matrix("nmf x", 10), { w: matrix("nmf w", 10), h: matrix("nmf h", 3) }, 200);
  expectClose([...w.data], golden("nmf found w"), 1e-4);
  expectClose([...h.data], golden("nmf found h"), 1e-4);
});
