/** @file ONNX Runtime's WebAssembly, in Node: the same numbers as its native build. */
import * as native from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import type { Feeds, Runtime } from "../../src/onnx/runtime.ts";
import { classMethods, quickly } from "../class-methods.ts";
import { gap, images, squeezeExcite, unet, vgg } from "../nets.ts";
import { vit } from "../vit.ts";
import { apart, cotangent, numbers } from "./ask.ts";

beforeAll(() => {
  wasm.env.wasm.numThreads = 1;
  wasm.env.logLevel = "error";
});

const feedsOf = (ort: Runtime, feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [
      name,
      new ort.Tensor("float32", data as Float32Array, dims),
    ]),
  );

const nets = { gap, vgg, squeezeExcite } as const;

describe.each(Object.keys(nets) as (keyof typeof nets)[])("%s in WebAssembly", (net) => {
  const bytes = nets[net]();

  test.each(["plain", "guided", "deconv"] as const)("the primitive, %s rules", async (rules) => {
    const seed = cotangent(5, [[1, 1]], [[3, -2]]);
    const of = async (ort: Runtime) => {
      const { gradients, outputs } = await vjp(ort, bytes, {
        feeds: feedsOf(ort, images()),
        seeds: feedsOf(ort, { logits: seed }),
        wrt: ["x", "features"],
        rules,
      });
      return [outputs.logits, gradients.x, gradients.features].map(numbers);
    };
    const [got, want] = [await of(wasm), await of(native)];
    for (const [i, list] of got.entries()) expect(apart(list, want[i])).toBeLessThan(1e-5);
  });

  test.each(classMethods.map(({ name }) => name))("%s", async (method) => {
    const of = async (ort: Runtime) => {
      const explainer = await openExplainer(ort, bytes);
      const { maps } = await explainer.explain(feedsOf(ort, images()), {
        target: { each: [0, 2] },
        method,
        ...quickly(method),
      });
      await explainer.release();
      return numbers(maps);
    };
    expect(apart(await of(wasm), await of(native))).toBeLessThan(1e-5);
  });
});

test.each(["attention-rollout", "chefer", "legrad"] as const)("%s of a transformer in WebAssembly", async (method) => {
  const options = { target: { each: [0, 2] }, method, options: method === "attention-rollout" ? { discard: 0.3 } : {} };
  const of = async (ort: Runtime) => {
    const explainer = await openExplainer(ort, vit());
    const { maps } = await explainer.explain(feedsOf(ort, images()), options);
    await explainer.release();
    return numbers(maps);
  };
  expect(apart(await of(wasm), await of(native))).toBeLessThan(1e-5);
});

test("segmentation in WebAssembly", async () => {
  const of = async (ort: Runtime) => {
    const explainer = await openExplainer(ort, unet());
    const { maps } = await explainer.explain(feedsOf(ort, images()), { target: [1, 3] });
    await explainer.release();
    return { layers: explainer.layers, map: numbers(maps) };
  };
  const [got, want] = [await of(wasm), await of(native)];
  expect(got.layers).toEqual(want.layers);
  expect(apart(got.map, want.map)).toBeLessThan(1e-5);
});
