/** @file Compiled models give the numbers of the explainer: the best class, a class for all, a class for each; natively and in WebAssembly. */
import * as native from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { methods } from "../../src/index.ts";
import { DataType } from "../../src/onnx/proto.ts";
import type { Feeds, Runtime } from "../../src/onnx/runtime.ts";
import { ask, expectClose, numbers } from "../explain/ask.ts";
import { ints, node } from "../models.ts";
import { channelsLast, gap, halfPrecision, images, linear, squeezeExcite, unet, vgg } from "../nets.ts";
import { vit } from "../vit.ts";
import { classesOf, compiled, runOnce } from "./compile.ts";

beforeAll(() => {
  wasm.env.wasm.numThreads = 1;
  wasm.env.logLevel = "error";
});

const softmax = [node("Softmax", "logits", "probabilities", { axis: 1 })];
const places = { after: [node("Unsqueeze", "logits last", "scores")], constants: { last: ints([2, 3]) } };

const nets: Readonly<Record<string, () => Uint8Array>> = {
  gap,
  vgg,
  squeezeExcite,
  "gap behind a softmax": () => gap({ after: softmax }),
  "vgg behind a softmax": () => vgg({ after: softmax }),
  "scores [n, classes, 1, 1]": () => gap(places),
  "scores with a grid": unet,
  "operator set 9": () => vgg({ opset: 9 }),
  "operator set 11": () => gap({ opset: 11 }),
  "operator set 18": () => vgg({ opset: 18 }),
};
const runtimes: Readonly<Record<string, Runtime>> = { native, wasm };
const inRuntime = (ort: Runtime, feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [
      name,
      new ort.Tensor("float32", data as Float32Array, dims),
    ]),
  );

describe.each(Object.keys(nets))("%s", (net) => {
  const bytes = nets[net]();

  test.each(["native", "wasm"])("Grad-CAM, %s", async (runtime) => {
    const ort = runtimes[runtime];
    const [optional, required] = [await compiled(bytes), await compiled(bytes, { classInput: "required" })];
    for (const n of [1, 3]) {
      const feeds = images(n);
      const fed = inRuntime(ort, feeds);
      const best = await ask(bytes, feeds);
      for (const outputs of [await runOnce(optional, fed, undefined, ort), await runOnce(required, fed, [-1], ort)]) {
        expect(outputs.gradcam_map.dims).toEqual(best.maps.dims);
        expectClose(numbers(outputs.gradcam_map), numbers(best.maps));
        for (const [name, own] of Object.entries(best.outputs)) expectClose(numbers(outputs[name]), numbers(own));
        const named = await ask(bytes, feeds, { target: classesOf(outputs) });
        expectClose(numbers(outputs.gradcam_map), numbers(named.maps));
      }
      const one = await runOnce(required, fed, [2], ort);
      expect(classesOf(one)).toEqual(Array(n).fill(2));
      expectClose(numbers(one.gradcam_map), numbers((await ask(bytes, feeds, { target: 2 })).maps));

      const each = [3, 0, 1].slice(0, n);
      const own = await runOnce(required, fed, each, ort);
      expect(classesOf(own)).toEqual(each);
      expectClose(numbers(own.gradcam_map), numbers((await ask(bytes, feeds, { target: each })).maps));
    }
  });
});

const graphs = methods.filter((method) => method.graph && !method.readsAttentions);
const ofAttentions = methods.filter((method) => method.readsAttentions);

test("every method that reads attentions is a graph", () =>
  expect(ofAttentions.filter(({ graph }) => !graph).map(({ name }) => name)).toEqual([]));

test.each(
  ofAttentions.flatMap(({ name }) =>
    ["softmax and products", "MultiHeadAttention"].map((form) => [name, form] as const),
  ),
)("%s of a transformer, attention as %s", async (method, form) => {
  const bytes = vit({ form });
  const file = await compiled(bytes, { method, classInput: "required" });
  for (const n of [1, 3]) {
    const each = [2, 4, 0].slice(0, n);
    const { maps } = await ask(bytes, images(n), { method, target: each });
    const outputs = await runOnce(file, images(n), each);
    expect(outputs.gradcam_map.dims).toEqual(maps.dims);
    expectClose(numbers(outputs.gradcam_map), numbers(maps));
  }
});

describe.each(graphs.map(({ name }) => name))("%s", (method) => {
  const outputOf = (outputs: Record<string, native.Tensor>) => outputs.gradcam_pixels ?? outputs.gradcam_map;

  test.each(["gap", "vgg", "squeezeExcite"])("%s", async (net) => {
    const bytes = nets[net]();
    const file = await compiled(bytes, { method, classInput: "required" });
    for (const n of [1, 3]) {
      const { maps, pixels } = await ask(bytes, images(n), { method, target: 2 });
      const outputs = await runOnce(file, images(n), [2]);
      expect(outputOf(outputs).dims).toEqual((pixels ?? maps).dims);
      expectClose(numbers(outputOf(outputs)), numbers(pixels ?? maps));
    }
  });

  test("channels last", async () => {
    const { x } = images();
    const data = Float32Array.from(x.data as Float32Array, (_, i) => {
      const [image, rest] = [Math.floor(i / 192), i % 192];
      return (x.data as Float32Array)[image * 192 + (rest % 3) * 64 + Math.floor(rest / 3)];
    });
    const feeds = { image: new native.Tensor("float32", data, [2, 8, 8, 3]) };
    const { maps, pixels } = await ask(channelsLast(), feeds, { method });
    const outputs = await runOnce(await compiled(channelsLast(), { method }), feeds);
    expect(outputOf(outputs).dims).toEqual((pixels ?? maps).dims);
    expectClose(numbers(outputOf(outputs)), numbers(pixels ?? maps));
  });
});

test("pixels of a model without a layer", async () => {
  const outputs = await runOnce(await compiled(linear(), { method: "gradient" }), images());
  expectClose(numbers(outputs.gradcam_pixels), numbers((await ask(linear(), images(), { method: "gradient" })).pixels));
});

test("a batch that is fixed", async () => {
  const bytes = vgg({ free: [] });
  const { maps } = await ask(bytes, images(2));
  expectClose(numbers((await runOnce(await compiled(bytes), images(2))).gradcam_map), numbers(maps));
});

test("half precision: maps are float32", async () => {
  const bytes = halfPrecision(DataType.FLOAT);
  const { gradcam_map } = await runOnce(await compiled(bytes), images());
  expect(gradcam_map.type).toBe("float32");
  expectClose(numbers(gradcam_map), numbers((await ask(bytes, images())).maps), 0.01);
});

test("a layer of one's own", async () => {
  const opening = { layer: "last" };
  const outputs = await runOnce(await compiled(unet(), {}, opening), images());
  expectClose(numbers(outputs.gradcam_map), numbers((await ask(unet(), images(), {}, opening)).maps));
});
