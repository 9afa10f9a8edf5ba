/** @file The studio as a person uses it, in a real Chromium; its numbers are held against Node's. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { decode } from "../../src/image/sharp.ts";
import { drawingOf } from "../../src/node/write.ts";
import type { ClassifyOptions } from "../../src/node.ts";
import { type LoadedClassifier, load } from "../../src/node.ts";
import { overlay } from "../../src/render/overlay.ts";
import {
  apart,
  build,
  download,
  downloadMap,
  dropPhoto,
  launch,
  openPage,
  photo,
  root,
  serve,
  settled,
} from "./browser.ts";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;
let node: LoadedClassifier;
const requests: string[] = [];

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  build();
  [browser, served, node] = await Promise.all([launch(), serve(), load()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.on("request", (request) => requests.push(request.url()));
  ({ page, wrongs } = await openPage(context, served.url));
});

afterAll(async () => {
  await browser?.close();
  served?.stop();
  await node?.release();
});

/** Node's own map for a question. */
async function mapInNode(options: ClassifyOptions) {
  const { explanations } = await node.explain(photo, options);
  return explanations[0].map;
}

async function expectMapOf(options: ClassifyOptions): Promise<void> {
  const [got, want] = [await downloadMap(page), await mapInNode(options)];
  expect(got.shape).toEqual(want.dims);
  expect(apart(got.data, want.data)).toBeLessThan(1e-3);
}

const row = (label: string) => page.getByRole("option", { name: new RegExp(`^${label} [<\\d]`) });
const sentence = () => page.locator(".sentence h1").innerText();

describe("first sight", () => {
  test("one page, without errors, that says what it runs on", async () => {
    await expect(page.getByRole("heading", { name: "Ask a network why." }).count()).resolves.toBe(1);
    expect(await page.locator(".foot").innerText()).toMatch(/efficientnet-lite0\s+WebAssembly/);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(wrongs).toEqual([]);
  });

  // What reads other tasks, compiles, and each method but Grad-CAM is fetched when it is needed.
  test("its JavaScript is below 250 KB at first and 385 KB in all, gzipped, without ONNX Runtime", () => {
    const assets = path.join(root, "dist/studio/assets");
    const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
    const text = (name: string) => readFileSync(path.join(assets, name), "utf8");
    const imported = /(?:^|[;}\n])\s*(?:import|export)\s*(?:[\w${},*\s]+?from\s*)?"\.\/([^"]+\.js)"/g;
    const reached = (names: readonly string[], seen = new Set<string>()): Set<string> => {
      for (const name of names) {
        if (seen.has(name)) continue;
        seen.add(name);
        reached(
          Array.from(text(name).matchAll(imported), ([, other]) => other),
          seen,
        );
      }
      return seen;
    };
    const kilobytes = (names: Iterable<string>) =>
      [...names].reduce((sum, name) => sum + gzipSync(text(name)).length, 0) / 1024;
    const first = kilobytes(reached(scripts.filter((name) => /^(index|worker)-/.test(name))));
    const all = kilobytes(scripts);
    console.log(`studio: ${first.toFixed(1)} KB at first, ${all.toFixed(1)} KB in all, gzipped`);
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThan(250);
    expect(all).toBeGreaterThan(first);
    expect(all).toBeLessThan(385);
  });
});

describe("explain", () => {
  test("a dropped picture is explained, with Node's numbers", async () => {
    await dropPhoto(page);
    await settled(page);
    expect(await sentence()).toBe("Why espresso?");
    await expectMapOf({});
    const { name, bytes } = await download(page, "Record");
    const record = JSON.parse(Buffer.from(bytes).toString());
    const why = await node.explain(photo);
    expect(name).toBe("cat-and-cup.grad-cam.967.json");
    expect(record.model).toEqual({ name: "efficientnet-lite0", sha256: node.sha256 });
    expect(record.predictions.map((p: { class: number }) => p.class)).toEqual(why.predictions.map((p) => p.class));
    for (const [i, { score }] of why.predictions.entries()) expect(record.predictions[i].score).toBeCloseTo(score, 2);
    const [{ peak, box }] = record.explanations;
    expect(peak).toEqual(why.explanations[0].peak);
    expect(box).toEqual(why.explanations[0].box);
  });

  test("the picture that is saved is Node's, pixel by pixel", async () => {
    const saved = await decode((await download(page, "Overlay")).bytes);
    const why = await node.explain(photo);
    const want = overlay(why.picture, why.explanations[0].onPicture);
    expect([saved.width, saved.height]).toEqual([want.width, want.height]);
    const differences = saved.data.map((v, i) => Math.abs(v - want.data[i]));
    expect(differences.reduce((a, b) => a + b, 0) / differences.length / 255).toBeLessThan(1e-3);
  });

  test("figure and panel are Node's, as pixels, and the figure is a whole drawing", async () => {
    const drawing = await download(page, "SVG");
    expect(drawing.name).toBe("cat-and-cup.grad-cam.967.figure.svg");
    expect(Buffer.from(drawing.bytes).toString()).toMatch(/^<svg [\s\S]*espresso[\s\S]*<\/svg>\s*$/);
    const { layer } = (await node.explain(photo)).explanations[0];
    const options = { colormap: "inferno", caption: `Model efficientnet-lite0, layer ${layer}` } as const;
    for (const [button, classes, name] of [
      ["Figure", [967], "cat-and-cup.grad-cam.967.figure.png"],
      ["Panel", ["top3", 967], "cat-and-cup.grad-cam.panel.png"],
    ] as const) {
      const saved = await download(page, button);
      expect(saved.name).toBe(name);
      const why = await node.explain(photo, { classes });
      const drawn = drawingOf(why, options);
      for (const one of why.explanations) await drawn.draw(one);
      const [got, want] = await Promise.all(
        [saved.bytes, (await drawn.panel()) as Uint8Array].map((png) => decode(png)),
      );
      expect([got.width, got.height]).toEqual([want.width, want.height]);
      // Two renderers smooth edges and shrink pictures each in its way.
      const off = got.data.reduce((sum, v, i) => sum + Math.abs(v - want.data[i]), 0) / got.data.length / 255;
      expect(off).toBeLessThan(0.01);
    }
  });

  test("the map follows the pointer", async () => {
    await row("Egyptian cat").hover();
    await settled(page);
    expect(await sentence()).toBe("Why Egyptian cat?");
    await page.mouse.move(400, 400);
    await settled(page);
    expect(await sentence()).toBe("Why espresso?");
  });

  test("any class by keys alone: search, arrows, enter; and back", async () => {
    await page.getByRole("searchbox").fill("lynx");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await settled(page);
    expect(await sentence()).toBe("Why lynx?");
    await expectMapOf({ classes: ["lynx"] });
    await page.getByRole("searchbox").fill("");
    await page.getByRole("listbox").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    expect(await page.getByRole("listbox").getAttribute("aria-activedescendant")).toBe("class-285");
    await page.keyboard.press("Enter");
    await expectMapOf({ classes: [285] });
  });

  test("A rather than B, and what speaks against", async () => {
    await row("espresso").click();
    await row("Egyptian cat").hover();
    await row("Egyptian cat").locator(".versus").click();
    await settled(page);
    expect(await sentence()).toBe("Why espresso rather than Egyptian cat?");
    await page.mouse.move(400, 400);
    await expectMapOf({ classes: [967], against: 285 });
    await expect.poll(() => page.url()).toMatch(/rival=285&stance=versus/);
    await page.getByText("Against", { exact: true }).click();
    await expectMapOf({ classes: [967], counterfactual: true });
    await page.getByText("For", { exact: true }).click();
  });

  test("another method: gradients at the pixels, but for the few where a rectifier is at its kink", async () => {
    const method = page.getByRole("combobox", { name: "Method" });
    await method.selectOption("guided-grad-cam");
    const [got, want] = [await downloadMap(page), await mapInNode({ method: "guided-grad-cam" })];
    await method.selectOption("grad-cam");
    expect(got.shape).toEqual(want.dims);
    const scale = want.data.reduce((most, v) => Math.max(most, v), 0);
    const far = got.data.filter((v, i) => Math.abs(v - want.data[i]) > 1e-3 * scale);
    expect(far.length).toBeLessThan(0.001 * got.data.length);
  });

  test("every layer, from the score to the picture", async () => {
    await page.getByRole("button", { name: "All layers" }).click();
    await page.locator(".strip canvas").last().waitFor();
    const { layers } = node.classifier.explainer;
    expect(await page.locator(".strip canvas").count()).toBe(layers.length);
    const slider = page.getByRole("slider", { name: /^Layer/ });
    await slider.focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowLeft");
    expect(await page.locator(".layers output").innerText()).toContain(layers[12].name);
    await expectMapOf({ classes: [967], layer: layers[12].name });
    await slider.focus();
    await page.keyboard.press("End");
    await settled(page);
    await page.getByRole("button", { name: "Hide" }).click();
  });

  test("the box, its threshold, the colours, the opacity and the lens", async () => {
    await page.getByRole("checkbox", { name: /^Box/ }).check();
    const box = async () => (await page.locator(".strongest").getAttribute("data-box"))!.split(" ").map(Number);
    const [x0, y0, x1, y1] = await box();
    const why = await node.explain(photo);
    const { scaleX, left } = why.geometry;
    const inPicture = [x0, x1].map((x) => left + x * 224 * scaleX);
    for (const [i, edge] of [why.explanations[0].box![0], why.explanations[0].box![2]].entries())
      expect(Math.abs(inPicture[i] - edge)).toBeLessThan(4); // a cell of the stage's grid is 1.4 pixels
    await page.getByRole("slider", { name: "Threshold" }).fill("0.6");
    const smaller = await box();
    expect((smaller[2] - smaller[0]) * (smaller[3] - smaller[1])).toBeLessThan((x1 - x0) * (y1 - y0));

    const pixel = () =>
      page.locator("canvas.heat").evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(canvas.width * 0.65, canvas.height * 0.25, 1, 1);
        return [...data];
      });
    const before = await pixel();
    await page.getByRole("radio", { name: "viridis" }).check({ force: true });
    await expect.poll(pixel).not.toEqual(before);
    await page.getByRole("slider", { name: "Opacity" }).fill("0.2");
    await expect.poll(async () => (await pixel())[3]).toBeLessThan(80);

    await page.getByRole("checkbox", { name: /^Lens/ }).check();
    await page.locator("canvas.fine").waitFor();
    const glass = page.getByRole("slider", { name: /^Lens/ });
    const at = await glass.getAttribute("aria-valuetext");
    await glass.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => glass.getAttribute("aria-valuetext")).not.toBe(at);
    await page.getByRole("checkbox", { name: /^Lens/ }).uncheck();
  });

  test("the state is in the address, the picture is not", async () => {
    await expect.poll(() => page.url()).toMatch(/colours=viridis&opacity=0.2&threshold=0.6&box=/);
    expect(page.url()).not.toContain("cat-and-cup");
    const shared = await context.newPage();
    await shared.goto(`${served.url}#example=cat-and-cup&class=285&colours=viridis`);
    await settled(shared);
    expect(await shared.locator(".sentence h1").innerText()).toBe("Why Egyptian cat?");
    await shared.close();
  });
});

describe("test", () => {
  test("what is erased or blurred changes scores and map; starting over brings them back", async () => {
    await page.getByRole("tab", { name: "Test" }).click();
    const number = () => page.locator(".scores [data-class='967'] .number").innerText();
    const whole = await number();
    const field = (await page.locator(".brush").boundingBox())!;
    const stroke = async () => {
      await page.mouse.move(field.x + field.width * 0.65, field.y + field.height * 0.45);
      await page.mouse.down();
      await page.mouse.move(field.x + field.width * 0.8, field.y + field.height * 0.2, { steps: 5 });
      await page.mouse.up();
    };
    await stroke();
    await expect.poll(number).not.toBe(whole);
    const erased = Number.parseFloat(await number());
    expect(erased).toBeLessThan(Number.parseFloat(whole));
    await page.getByRole("button", { name: "Start over" }).click();
    await expect.poll(number).toBe(whole);
    await page.getByText("Blur", { exact: true }).click();
    await page.locator(".brush").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press(" ");
    await expect.poll(number).not.toBe(whole);
    await page.getByRole("button", { name: "Start over" }).click();
    await expect.poll(number).toBe(whole);
  });

  test("occlusion can be stopped", async () => {
    const job = page.getByRole("region", { name: "Occlusion" });
    await job.getByRole("button", { name: "Hide patches" }).click();
    await job.getByRole("button", { name: "Stop" }).click();
    await job.getByRole("button", { name: "Hide patches" }).waitFor();
    expect(await job.locator("[data-correlation]").count()).toBe(0);
  });

  test("Grad-CAM notices when the network forgets", async () => {
    const job = page.getByRole("region", { name: "Sanity check" });
    await job.getByRole("button", { name: "Shuffle the weights" }).click();
    await job.getByText("The map changes").waitFor();
    expect(await job.locator(".stages li").count()).toBeGreaterThan(4);
  });
});

describe("model", () => {
  test("what it takes and gives, how it is fed, and the way to the score", async () => {
    await page.getByRole("tab", { name: "Model" }).click();
    const text = await page.locator(".sheet").innerText();
    for (const words of [
      "pixel_values",
      "[batch, 3, 224, 224]",
      "logits",
      "Every operator has a gradient rule",
      "bicubic",
    ])
      expect(text).toContain(words);
    const steps = () => page.locator(".path li strong").allInnerTexts();
    await expect.poll(steps).toEqual(["features", "GlobalAveragePool", "Flatten", "Gemm"]);
    await page.getByRole("img", { name: "What the network sees" }).waitFor();
  });

  test("the model that explains itself gives the same map", async () => {
    const { name, bytes } = await download(page, "Download the model that explains itself");
    expect(name).toBe("efficientnet-lite0.gradcam.onnx");
    const ort = await import("onnxruntime-node");
    const session = await ort.InferenceSession.create(bytes);
    const { preprocess } = await import("../../src/node.ts");
    const { data, dims } = preprocess(await decode(photo), node.classifier.preprocess);
    const results = await session.run({ pixel_values: new ort.Tensor("float32", data, [1, ...dims]) });
    const want = await mapInNode({});
    expect(apart(results.gradcam_map.data as Float32Array, want.data)).toBeLessThan(1e-5);
  });

  test("how pictures are prepared can be set: map, record and the model that explains itself follow", async () => {
    await page.getByRole("tab", { name: "Model" }).click();
    const part = page.getByRole("region", { name: "Preprocessing" });
    const pixel = () =>
      part
        .locator("canvas")
        .evaluate((canvas: HTMLCanvasElement) => [...canvas.getContext("2d")!.getImageData(200, 20, 1, 1).data]);
    expect(await part.getByRole("combobox", { name: "Values" }).inputValue()).toBe("own"); // 127 and 128 of 255
    expect(await part.getByRole("textbox", { name: "Size" }).isDisabled()).toBe(true); // the model takes 224 x 224
    const before = await pixel();
    await part.getByRole("combobox", { name: "Frame" }).selectOption("stretch");
    await expect.poll(pixel).not.toEqual(before);
    await part.getByRole("combobox", { name: "Values" }).selectOption("−1 to 1");
    await part.getByRole("combobox", { name: "Filter" }).selectOption("bilinear");
    await part.getByRole("textbox", { name: "Mean" }).fill("0.5, 0.4");
    expect(await part.getByRole("textbox", { name: "Mean" }).getAttribute("aria-invalid")).toBe("true");
    await part.getByRole("textbox", { name: "Mean" }).fill("0.5, 0.5, 1/2");
    await part.getByRole("combobox", { name: "Channels" }).selectOption("BGR");
    await part.getByText("As set by you.").waitFor();
    const want = {
      ...node.classifier.preprocess,
      ...{ resize: { width: 224, height: 224 }, filter: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      order: "BGR",
    };
    delete want.crop;

    const { bytes } = await download(page, "Download the model that explains itself");
    const file = path.join(mkdtempSync(path.join(tmpdir(), "gradcam-set-")), "set.onnx");
    writeFileSync(file, bytes);
    const compiled = await load(file);
    expect(compiled.classifier.preprocess).toEqual(want);
    const why = await compiled.explain(photo, { classes: [967] });
    await compiled.release();
    rmSync(path.dirname(file), { recursive: true });
    await page.getByRole("tab", { name: "Explain" }).click();
    await settled(page);
    const got = await downloadMap(page);
    expect(apart(got.data, why.explanations[0].map.data)).toBeLessThan(1e-3);
    expect(JSON.parse(Buffer.from((await download(page, "Record")).bytes).toString()).preprocess).toEqual(want);

    await page.getByRole("tab", { name: "Model" }).click();
    await part.getByRole("button", { name: "As it was" }).click();
    await expect.poll(pixel).toEqual(before);
  });
});

test("nothing was asked of anybody else, and nothing at all after loading", async () => {
  const foreign = requests.filter(
    (url) => !url.startsWith(served.url.replace(/\?.*/, "")) && !/^(blob|data):/.test(url),
  );
  expect(foreign).toEqual([]);
  const before = requests.length;
  await page.getByRole("tab", { name: "Explain" }).click();
  await dropPhoto(page);
  await settled(page);
  await page.getByRole("listbox").focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowDown");
  await settled(page);
  expect(requests.slice(before).filter((url) => !/^(blob|data):/.test(url))).toEqual([]);
  expect(wrongs).toEqual([]);
});

test("nothing serious to say for axe-core, in any view, light or dark", async () => {
  for (const view of ["Explain", "Test", "Model"])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByRole("tab", { name: view }).click();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(
        serious.map(({ id, nodes }) => `${view} ${colorScheme}: ${id} ${nodes.map((n) => n.html).join(" ")}`),
      ).toEqual([]);
    }
  await page.emulateMedia({ colorScheme: "light" });
});

test("without a network it opens and explains all the same", async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  served.stop();
  await page.goto(served.url);
  await page.locator(".foot").waitFor();
  await page.getByRole("button", { name: "A cat and a cup of espresso" }).click();
  await settled(page);
  expect(await sentence()).toBe("Why espresso?");
});
