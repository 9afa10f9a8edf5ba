/** @file What ONNX Runtime Web lacks or loses in a page: its files, the leave to compile, operators of WebGPU, and the graphics device. */
import * as ort from "onnxruntime-node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { DataType } from "../../src/onnx/proto.ts";
import type { ProviderReport } from "../../src/web/provider-report.ts";
import { launch } from "../chromium.ts";
import { oneNode, randomFeeds } from "../models.ts";
import { gap, images } from "../nets.ts";
import type { Asked } from "./in-page.ts";
import { gradient, lose, type Pages, pages, placed, type Served, stumble } from "./page.ts";

vi.setConfig({ testTimeout: 240_000 }); // a graphics card of software

let served: Pages;
let browser: Browser;

beforeAll(async () => {
  served = await pages();
  browser = await launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
});

const x = [1, 2, 9, 7];
const pooling = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
const tied = randomFeeds({ x }, (normal) => normal.map((v) => Math.round(v)));
const webgpu = { build: "ort.webgpu.bundle.min.mjs", providers: ["webgpu", "wasm"] } as const;

const asked = (model: Uint8Array, { x }: Record<string, ort.Tensor>): Pick<Asked, "model" | "x"> => ({
  model: [...model],
  x: { type: x.type as "float32", data: [...(x.data as Float32Array)], dims: [...x.dims] },
});

describe("a runtime that does not start is not the model's fault", () => {
  const rows: Readonly<Record<string, readonly [Served, string, RegExp]>> = {
    "a .wasm that is not served": [
      { wasm: "missing" },
      "ort.wasm.min.mjs",
      /^missing-runtime: missing runtime: .*\/ort\/ort-wasm-simd-threaded\.wasm is not served; serve ort-wasm-simd-threaded\.wasm/,
    ],
    "a page in its place": [
      { wasm: "html" },
      "ort.wasm.min.mjs",
      /^missing-runtime: .* is not the WebAssembly of this version/,
    ],
    "WebAssembly that holds nothing": [
      { wasm: "empty" },
      "ort.wasm.min.mjs",
      /^missing-runtime: .*\.wasm is not the WebAssembly of this version; serve ort-wasm-simd-threaded\.wasm/,
    ],
    "the build with WebGPU": [{ wasm: "missing" }, webgpu.build, /^missing-runtime: .* is not served/],
    "a policy without its word": [
      { csp: "script-src 'self'" },
      "ort.wasm.min.mjs",
      /^missing-runtime: .* add 'wasm-unsafe-eval' to its script-src$/,
    ],
  };
  test.each(Object.entries(rows))("%s", async (_, [how, build, said]) => {
    const page = await served.open(browser, how);
    const model = oneNode("MaxPool", { opset: 13, inputs: { x }, attributes: pooling });
    expect((await gradient(page, { ...asked(model, tied), build, providers: ["wasm"] })).error).toMatch(said);
    await page.close();
  });
});

describe("on WebGPU", () => {
  test.each([9, 18])("max pooling has Node's gradient, opset %i", async (opset) => {
    const model = oneNode("MaxPool", { opset, inputs: { x }, attributes: pooling });
    const { outputs } = await vjp(ort, model, { feeds: tied, seeds: {}, wrt: [] });
    const seed = Float32Array.from({ length: outputs.y.size }, (_, i) => (i % 7) + 1);
    const seeds = { y: new ort.Tensor("float32", seed, outputs.y.dims) };
    const { gradients } = await vjp(ort, model, { feeds: tied, seeds, wrt: ["x"] });
    const page = await served.open(browser);
    const told = await gradient(page, { ...asked(model, tied), ...webgpu });
    expect(told).toEqual({ numbers: [...(gradients.x.data as Float32Array)] });
    await page.close();
  });

  test("half precision runs on the processor where the adapter has no shaders for it, and says so", async () => {
    const model = oneNode("Sigmoid", { opset: 13, inputs: { x: [2, 3] }, as: DataType.FLOAT16 });
    const zeros = { x: { type: "float32", data: [0, 0, 0, 0, 0, 0], dims: [2, 3] } } as const;
    const page = await served.open(browser);
    const told = await gradient(page, { model: [...model], ...zeros, ...webgpu });
    expect(told).toEqual({
      numbers: [0.25, 0.5, 0.75, 1, 1.25, 1.5],
      onProcessor: expect.stringMatching(/shader-f16/),
    });
    await page.close();
  });

  test("which nodes run where is told, or that it cannot be", async () => {
    const page = await served.open(browser);
    const [first, again] = await placed(page, { ...asked(gap(), images(1)), ...webgpu });
    const report = first as ProviderReport;
    const nodesOn = (provider: string) => report.providers.find(({ name }) => name === provider)?.nodes ?? [];
    expect(report.providers.map(({ name }) => name).sort()).toEqual([
      "CPUExecutionProvider",
      "WebGpuExecutionProvider",
    ]);
    for (const { count, nodes } of report.providers) expect(nodes).toHaveLength(count);
    expect(nodesOn("WebGpuExecutionProvider")).toContainEqual({ node: "logits", operator: "Gemm", gradient: false });
    // It has no kernel for whole numbers of 64 bits, as classes are.
    const compared = { node: expect.stringMatching(/^grad\//), operator: "Less", gradient: true };
    expect(nodesOn("CPUExecutionProvider")).toContainEqual(compared);
    expect(again).toEqual(first);
    await page.close();
    const late = await served.open(browser);
    for (const told of await placed(late, { ...asked(gap(), images(1)), ...webgpu }, true))
      expect(told).toEqual({
        error: expect.stringMatching(/^invalid-input: invalid use: ONNX Runtime Web has started/),
      });
    await late.close();
  });

  test.each(["createBuffer", "submit"] as const)(
    "an exception in %s ends the runtime, and hangs nothing",
    async (at) => {
      const page = await served.open(browser);
      const told = await stumble(page, { ...asked(gap(), images(1)), ...webgpu }, at, 60_000);
      expect(told).toHaveLength(3);
      for (const { error } of told) expect(error).toMatch(/^runtime-lost: lost runtime: ONNX Runtime Web has stopped/);
      await page.close();
    },
  );

  test("a lost device is named, and another explainer gets another", async () => {
    const feeds = images(1);
    const explainer = await openExplainer(ort, gap());
    const { maps } = await explainer.explain(feeds, { target: 1 });
    await explainer.release();
    const page = await served.open(browser);
    const [before, after, again] = await lose(page, { ...asked(gap(), feeds), ...webgpu });
    expect(after.error).toMatch(
      /^device-lost: lost device: the graphics device google swiftshader is gone .*destroyed/,
    );
    for (const { numbers, error } of [before, again]) {
      expect(error).toBeUndefined();
      for (const [i, v] of (numbers ?? []).entries()) expect(v).toBeCloseTo(Number(maps.data[i]), 5);
      expect(numbers?.length).toBe(maps.data.length);
    }
    await page.close();
  });
});
