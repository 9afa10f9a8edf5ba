/** @file Captioners and answerers of one's own in the studio: words, probabilities and maps are held against Node's. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { loadAnswerer, loadCaptioner } from "../../src/node.ts";
import { apart, build, download, launch, openPage, photo, root, serve } from "./browser.ts";

const models = path.join(root, "test/language/models");
const scratch = mkdtempSync(path.join(tmpdir(), "gradcam-narrators-"));
let browser: Browser;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(async () => {
  build();
  [browser, served] = await Promise.all([launch(), serve()]);
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  ({ page, wrongs } = await openPage(context, served.url));
});

afterAll(async () => {
  await browser?.close();
  served?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const settled = () => page.locator(".hero[data-settled=true]").waitFor();
const words = () => page.getByRole("radiogroup", { name: "Words of the caption" }).getByRole("radio");
const savedMap = async () => decodeNpy((await download(page, "Map")).bytes);

/** Drops a directory as a hand does: the browser reads it, paths and all. */
async function dropDirectory(directory: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [directory], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await devtools.send("Input.dispatchDragEvent", { type, x: 600, y: 400, data });
  await devtools.detach();
}

test("a captioner in Hugging Face layout, asked about a picture", async () => {
  await page.getByRole("tab", { name: "Caption" }).click();
  await settled();
  await page.getByLabel("Captioner's directory").setInputFiles(path.join(models, "blip"));
  await page.getByRole("heading", { name: "blip" }).waitFor();
  await page.getByText("Show it a picture.").waitFor();
  await page.getByRole("button", { name: "A cat and a cup of espresso" }).click();
  await words().first().waitFor();
  await settled();
  const node = await loadCaptioner(path.join(models, "blip"));
  const { caption, explanations } = await node.explain(photo);
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(caption.text);
  expect(await words().count()).toBe(explanations.length);
  await words().nth(2).click();
  const [got, want] = [await savedMap(), explanations[2].map];
  expect(got.shape).toEqual(want.dims);
  expect(apart(got.data, want.data)).toBeLessThan(1e-3);
  expect(await page.locator("[data-true]").count()).toBe(0); // nobody knows what is true of a photograph
  expect(await page.locator(".foot").innerText()).toContain("blip");
  await node.release();
});

test("dropped: a captioner with a step decoder, about a scene too; and back to the bundled one", async () => {
  await dropDirectory(path.join(models, "cnn-lstm"));
  await page.getByRole("heading", { name: "cnn-lstm" }).waitFor();
  await settled();
  const node = await loadCaptioner(path.join(models, "cnn-lstm"));
  const { caption } = await node.explain(photo);
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(caption.text);
  await node.release();
  await page.getByText("A scene", { exact: true }).click();
  await page.locator(".handle").first().waitFor();
  await settled();
  await page.getByRole("button", { name: "Use the bundled model" }).click();
  await page.getByRole("heading", { name: "Captioner: bundled" }).waitFor();
  await settled();
  expect(await page.locator(".foot").innerText()).toContain("scenes-captioner");
});

test("an answerer, dropped while captions are looked at", async () => {
  await dropDirectory(path.join(models, "vilt"));
  await page.getByRole("heading", { name: "vilt" }).waitFor();
  await settled();
  const question = "what colour is the circle?";
  const input = page.getByRole("textbox", { name: "Question" });
  await input.fill(question);
  await input.press("Enter");
  await page.locator(".hero[data-settled=true]").waitFor();
  const node = await loadAnswerer(path.join(models, "vilt"));
  const { predictions, explanations } = await node.ask(photo, question);
  const rows = page.getByRole("radiogroup", { name: "Top answers" }).getByRole("radio");
  await expect.poll(() => rows.locator(".label").allInnerTexts()).toEqual(predictions.map(({ label }) => label));
  expect(apart((await savedMap()).data, explanations[0].map.data)).toBeLessThan(1e-3);
  await node.release();
});

test("a directory that is no captioner is refused in words that say what one is", async () => {
  const broken = path.join(scratch, "broken");
  cpSync(path.join(models, "blip"), broken, { recursive: true });
  rmSync(path.join(broken, "onnx/decoder_model.onnx"));
  writeFileSync(path.join(broken, "expected.json"), "{}");
  await page.getByRole("tab", { name: "Caption" }).click();
  await page.getByLabel("Captioner's directory").setInputFiles(broken);
  const notice = page.locator(".notice");
  await notice.waitFor();
  expect(await notice.innerText()).toContain("A file is missing");
  expect(await notice.innerText()).toContain("encoder_model.onnx beside decoder_model.onnx");
  expect(await notice.innerText()).toContain("missing model: broken: no onnx/decoder_model.onnx");
  await page.getByRole("heading", { name: "Captioner: bundled" }).waitFor();
  expect(wrongs).toEqual([]);
});
