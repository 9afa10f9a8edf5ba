/** @file The studio on WebGPU, by Chromium's adapter in software where the machine has no graphics card: its numbers are Node's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bundledCaptioner, type ClassifyOptions, load, loadCaptioner } from "../../src/node.ts";
import { paint, type Scene } from "../../src/scenes/index.ts";
import { sceneOf } from "../../studio/src/state/scene.ts";
import { vgg, withInput } from "../nets.ts";
import { apart, build, downloadMap, dropPhoto, launch, openPage, photo, serve } from "./browser.ts";

vi.setConfig({ testTimeout: 900_000 }); // a graphics card of software

const scratch = mkdtempSync(path.join(tmpdir(), "gradcam-studio-webgpu-"));

let browser: Browser;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  build();
  browser = await launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
  served = await serve();
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  ({ page, wrongs } = await openPage(context, `${served.url.replace(/\/$/, "")}/?provider=webgpu`));
  page.setDefaultTimeout(600_000);
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

test("a picture: Grad-CAM, another class, and gradients at the pixels", async () => {
  expect(await page.locator(".foot").innerText()).toMatch(/WebGPU/);
  const node = await load();
  const both = async (options: ClassifyOptions) => {
    const [got, { explanations }] = [await downloadMap(page), await node.explain(photo, options)];
    expect(got.shape).toEqual(explanations[0].map.dims);
    return [got.data, explanations[0].map.data] as const;
  };
  await dropPhoto(page);
  expect(apart(...(await both({})))).toBeLessThan(1e-3);
  await page.getByRole("option", { name: /^Egyptian cat / }).click();
  expect(apart(...(await both({ classes: [285] })))).toBeLessThan(1e-3);
  await page.getByRole("combobox", { name: "Method" }).selectOption("guided-backprop");
  // But for the few where a rectifier is at its kink.
  const [got, want] = await both({ classes: [285], method: "guided-backprop" });
  const scale = want.reduce((most, v) => Math.max(most, v), 0);
  expect(got.filter((v, i) => Math.abs(v - want[i]) > 1e-3 * scale).length).toBeLessThan(0.001 * got.length);
  await node.release();
});

test("a caption and a word's map", async () => {
  const captioner = await loadCaptioner(bundledCaptioner);
  await page.getByRole("tab", { name: "Caption" }).click();
  await page.locator(".hero[data-settled=true]").waitFor();
  await page.waitForTimeout(500); // the address is written when the scene has rested
  const scene = sceneOf(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("scene") ?? "") as Scene;
  const { caption, explanations } = await captioner.explain(paint(scene, 96).picture);
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(caption.text);
  await page.getByRole("radiogroup", { name: "Words of the caption" }).getByRole("radio").nth(4).click();
  expect(apart((await downloadMap(page)).data, explanations[4].map.data)).toBeLessThan(1e-3);
  expect(wrongs).toEqual([]);
  await captioner.release();
});

test("a network with max pooling: every method that is quick has a map", async () => {
  const file = path.join(scratch, "vgg.onnx");
  writeFileSync(file, withInput(vgg(), ["n", 3, 8, 8]));
  const node = await load(file);
  const studio = await serve("--model", file);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const address = new URL(studio.url);
  address.searchParams.set("provider", "webgpu");
  const { page: own, wrongs } = await openPage(context, address.href);
  own.setDefaultTimeout(600_000);
  expect(await own.locator(".foot").innerText()).toMatch(/WebGPU/);
  await dropPhoto(own);
  for (const method of ["grad-cam", "hires-cam", "gradient", "guided-backprop"] as const) {
    await own.getByRole("combobox", { name: "Method" }).selectOption(method);
    const { explanations } = await node.explain(photo, { method });
    expect(apart((await downloadMap(own)).data, explanations[0].map.data)).toBeLessThan(1e-3);
  }
  expect(wrongs).toEqual([]);
  await context.close();
  studio.stop();
  await node.release();
});

test("a lost device: the engine is started again, the question answered, and it is said", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const own = await context.newPage();
  own.setDefaultTimeout(600_000);
  own.on("worker", (worker) => {
    void worker.evaluate(keepDevices).catch(() => undefined);
  });
  await own.goto(`${served.url.replace(/\/$/, "")}/?provider=webgpu`);
  await own.locator(".foot").waitFor();
  await dropPhoto(own);
  await own.locator(".hero[data-settled=true]").waitFor();
  for (const worker of own.workers())
    await worker.evaluate(() => {
      for (const device of (globalThis as { devices?: { destroy(): void }[] }).devices ?? []) device.destroy();
    });
  // The maps of the best classes are there already; this one is not.
  await own.getByRole("combobox", { name: "Method" }).selectOption("hires-cam");
  await own.getByText("The graphics device was lost: the engine was started again").waitFor();
  await own.locator(".hero[data-settled=true]").waitFor();
  await context.close();
});

/** Runs in a worker. */
function keepDevices(): void {
  const all = globalThis as {
    devices?: unknown[];
    GPUAdapter?: { prototype: { requestDevice(...a: unknown[]): unknown } };
  };
  if (!all.GPUAdapter) return;
  const { requestDevice } = all.GPUAdapter.prototype;
  all.devices = [];
  all.GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    all.devices?.push(device);
    return device;
  };
}
