/** @file A detector in the studio: its boxes lie over the picture, and a click on one shows its map, with Node's numbers. */
import { readFileSync } from "node:fs";
import path from "node:path";
import axe from "axe-core";
import { expect, onTestFinished, test, vi } from "vitest";
import { decode, encodePng } from "../../src/image/sharp.ts";
import { load } from "../../src/node.ts";
import { makeScene, paint } from "../../src/scenes/index.ts";
import { apart, download, downloadMap, drop, openPage, root, serving, settled } from "./browser.ts";
import { visiting } from "./visit.ts";

const visit = visiting();
vi.setConfig({ testTimeout: 120_000 });

const directory = path.join(root, "models/scenes-detector");
const named = (name: string, type: string) => ({ name, type, bytes: readFileSync(path.join(directory, name)) });
const picture = await encodePng(paint(makeScene(17), 224).picture);
const blank = await encodePng({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) });
const png = (name: string, bytes: Uint8Array) => ({ name, type: "image/png", bytes });

test("boxes over the picture; the one that is clicked is explained", async () => {
  const node = await load(directory);
  onTestFinished(() => node.release());
  const why = await node.explain(picture);
  const { detections = [] } = why;
  const { page, wrongs } = await openPage(visit.context, visit.served.url);
  const shot = async (name: string) => {
    const to = process.env.GRADCAM_SCREENSHOTS;
    if (to) await page.screenshot({ path: path.join(to, `${name}.png`) });
  };
  await drop(page, named("model.onnx", "application/octet-stream"), named("config.json", "application/json"));
  await page.getByRole("heading", { name: "model", exact: true }).waitFor();
  await drop(page, png("scene.png", picture));
  await page.getByRole("tab", { name: "Explain", exact: true }).click();
  await settled(page);
  await shot("first");
  const boxes = page.getByRole("button", { name: /^Box \d+: / });
  expect(await boxes.count()).toBe(detections.length);
  expect(detections.length).toBeGreaterThan(2);
  expect(await page.locator(".sentence h1").innerText()).toBe(`Why ${detections[0]?.label}?`);

  for (const { index, label, box } of detections.slice(0, 3)) {
    const button = page.getByRole("button", { name: new RegExp(`^Box ${index}: ${label}, `) });
    await button.click();
    expect(await button.getAttribute("aria-pressed")).toBe("true");
    await settled(page);
    const { data, shape } = await downloadMap(page);
    const own = why.explanations[index]?.map;
    expect(shape).toEqual(own?.dims);
    expect(apart(data, own?.data as Float32Array)).toBeLessThan(1e-3);
    // It lies on the picture where Node finds it.
    const [field, on] = [await page.locator("canvas.picture").boundingBox(), await button.boundingBox()];
    if (!field || !on) throw new Error("not on the page");
    const wide = field.width / 224;
    expect(Math.abs((on.x - field.x) / wide - box[0])).toBeLessThan(4);
    expect(Math.abs((on.y + on.height - field.y) / wide - box[3])).toBeLessThan(4);
  }
  await shot("clicked");
  await page.getByText("Against", { exact: true }).click();
  await settled(page);
  expect(await page.locator(".sentence h1").innerText()).toMatch(/^Evidence against /);
  await page.getByText("For", { exact: true }).click();

  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  for (const view of ["Test", "Model"]) {
    await page.getByRole("tab", { name: view, exact: true }).click();
    await page.locator("#view").waitFor();
    await shot(view);
  }
  await page.getByRole("tab", { name: "Explain", exact: true }).click();

  await drop(page, png("black.png", blank));
  await page.getByText(/^Nothing was found above a score of 25.0 %; the best is [\d.]+ %\.$/).waitFor();
  expect(await page.getByRole("button", { name: "Map", exact: true }).isDisabled()).toBe(true);
  await shot("nothing");
  expect(await boxes.count()).toBe(0);
  expect(wrongs).toEqual([]);
});

test("a detector on a server of one's own", async () => {
  const [service, node] = await Promise.all([
    serving("--model", directory, "--cors", new URL(visit.served.url).origin),
    load(directory),
  ]);
  onTestFinished(async () => {
    service.stop();
    await node.release();
  });
  const why = await node.explain(picture);
  const { page, wrongs } = await openPage(visit.context, visit.served.url);
  await drop(page, png("scene.png", picture));
  await settled(page);
  await page.getByRole("tab", { name: "Model", exact: true }).click();
  const panel = page.getByRole("region", { name: "A server" });
  await panel.getByLabel("Address").fill(service.url);
  await panel.getByRole("button", { name: "Connect" }).click();
  await panel.getByRole("button", { name: "Send pictures to it" }).click();
  await page.getByRole("tab", { name: "Explain", exact: true }).click();
  await page.getByRole("button", { name: /^Box 2: / }).click();
  for (const target of ["box:2", "not:box:2"]) {
    if (target !== "box:2") await page.getByText("Against", { exact: true }).click();
    const [own] = (await node.explain(picture, { targets: [target] })).explanations;
    expect(apart((await downloadMap(page)).data, own?.map.data as Float32Array)).toBeLessThan(1e-3);
  }
  await page.getByText("For", { exact: true }).click();
  await settled(page);
  const { name, bytes } = await download(page, "Overlay");
  expect(name).toBe("scene.hires-cam.2.png");
  expect((await decode(bytes)).width).toBe(224);
  expect(await page.getByRole("button", { name: /^Box \d+: / }).count()).toBe(why.detections?.length);
  expect(wrongs).toEqual([]);
});
