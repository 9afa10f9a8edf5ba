/** @file The reference cases on WebGPU, by Chromium's adapter in software: `npm run test:webgpu`. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Feeds, Tensor } from "../../src/onnx/runtime.ts";
import { launch } from "../chromium.ts";
import { committed, openCase, shared } from "../conformance-case.ts";
import type { Plain } from "./in-page.ts";
import { conform, type Pages, pages } from "./page.ts";

const folder = existsSync(shared) ? shared : committed;
const cases = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, "case.json")));

let served: Pages;
let browser: Browser;

beforeAll(async () => {
  served = await pages(folder);
  browser = await launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
});

test.each(cases)("%s", async (name) => {
  const { c, feeds, seeds, found, compare } = openCase(path.join(folder, name));
  const byClass = c.classes && ["class_logit", "spatial_mean"].includes(c.reduction.kind);
  const page = await served.open(browser);
  const told = await conform(page, {
    build: "ort.webgpu.bundle.min.mjs",
    providers: ["webgpu", "wasm"],
    model: `/models/${name}/model.onnx`,
    ...{ feeds: plain(feeds), seeds: plain(seeds) },
    ...{ image: c.image_input, output: c.output, layer: c.layer },
    rules: (["guided", "deconv"] as const).filter((rules) => c.expected[rules]),
    ...(byClass && c.classes && { classes: c.classes }),
  });
  for (const [what, results] of Object.entries(told)) for (const got of results) compare(what, tensor(got));
  expect(found).toEqual([]);
  await page.close();
});

const plain = (feeds: Feeds): Record<string, Plain> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      { type, dims: [...dims], data: Array.from(data as Float32Array, Number) },
    ]),
  );

/** The page gives numbers, of half precision too. */
const tensor = ({ data, dims }: Plain): Tensor => new ort.Tensor("float32", Float32Array.from(data), dims);
