/** @file Other ways to serve the studio, other models in it, and how fast it answers. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rankCorrelation } from "../../src/array/correlation.ts";
import { upsample } from "../../src/image/geometry.ts";
import { load } from "../../src/node.ts";
import { gap } from "../nets.ts";
import {
  apart,
  build,
  download,
  downloadMap,
  drop,
  dropPhoto,
  launch,
  openPage,
  photo,
  root,
  serve,
  settled,
} from "./browser.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "gradcam-studio-"));
let browser: Browser;

beforeAll(async () => {
  build();
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A host that knows nothing: no headers, and the studio under a path of its own. */
async function plainHost(): Promise<{ url: string; server: Server }> {
  const types: Record<string, string> = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".css": "text/css",
    ".svg": "image/svg+xml",
  };
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://x").pathname.replace(/^\/some\/where\//, "") || "index.html";
    try {
      const content = readFileSync(path.join(root, "dist/studio", name));
      response.writeHead(200, { "content-type": types[path.extname(name)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/where/` };
}

test("under a path, on a host without headers: one thread at first, several from the second visit", async () => {
  const { server, url } = await plainHost();
  const context = await browser.newContext();
  const { page } = await openPage(context, url);
  const isolated = () => page.evaluate(() => crossOriginIsolated);
  expect(await isolated()).toBe(false);
  await dropPhoto(page);
  await settled(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.goto(`${url}?again`);
  await page.locator(".foot").waitFor();
  expect(await isolated()).toBe(true);
  await context.close();
  server.close();
});

describe("a model of one's own", () => {
  let context: BrowserContext;
  beforeAll(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  });
  afterAll(() => context.close());
  const labels = ["ant", "bee", "cow", "dog", "elk"];

  test("dropped with its labels", async () => {
    const served = await serve();
    const { page } = await openPage(context, served.url);
    await drop(
      page,
      { name: "tiny.onnx", type: "", bytes: gap() },
      { name: "labels.txt", type: "text/plain", bytes: new TextEncoder().encode(labels.join("\n")) },
    );
    await page.locator(".sheet h1", { hasText: "tiny" }).waitFor();
    expect(await page.locator(".sheet").innerText()).toContain("A guess");
    await dropPhoto(page);
    await page.getByRole("tab", { name: "Explain" }).click();
    await page.locator(".sentence").waitFor();
    expect(labels).toContain((await page.locator(".sentence em").innerText()).trim());
    await page.close();
    served.stop();
  });

  test("a directory in Hugging Face layout, by the command and by hand", async () => {
    const directory = path.join(scratch, "my-net");
    cpSync(path.join(root, "models/efficientnet-lite0"), directory, { recursive: true });
    const config = JSON.parse(readFileSync(path.join(directory, "config.json"), "utf8"));
    config.id2label["967"] = "short black";
    writeFileSync(path.join(directory, "config.json"), JSON.stringify(config));
    rmSync(path.join(directory, "SHA256SUMS"));
    const served = await serve("--model", directory);
    const { page } = await openPage(context, served.url);
    await dropPhoto(page);
    await settled(page);
    expect(await page.locator(".sentence h1").innerText()).toBe("Why short black?");
    expect(await page.locator(".foot").innerText()).toContain("my-net");
    const node = await load(directory);
    const [{ map }] = (await node.explain(photo)).explanations;
    expect(apart((await downloadMap(page)).data, map.data)).toBeLessThan(1e-3);
    await node.release();
    served.stop();

    const plain = await serve();
    const other = (await openPage(context, plain.url)).page;
    await other.getByRole("tab", { name: "Model" }).click();
    await other.getByLabel("Model directory").setInputFiles(directory);
    await other.locator(".sheet h1", { hasText: "my-net" }).waitFor();
    await other.getByRole("tab", { name: "Explain" }).click();
    await dropPhoto(other);
    await settled(other);
    expect(await other.locator(".sentence h1").innerText()).toBe("Why short black?");
    plain.stop();
  });
});

test("occlusion tells how far it agrees with the map, as Node's does", async () => {
  const served = await serve();
  const context = await browser.newContext();
  const { page } = await openPage(context, served.url);
  await page.getByRole("button", { name: "A cat and a cup of espresso" }).click();
  await settled(page);
  await page.getByRole("tab", { name: "Test" }).click();
  const job = page.getByRole("region", { name: "Occlusion" });
  await job.getByRole("button", { name: "Hide patches" }).click();
  const shown = Number(await job.locator("[data-correlation]").innerText());
  expect(await job.locator("canvas").count()).toBe(2);
  const node = await load();
  const { explanations } = await node.explain(photo, { method: ["grad-cam", "occlusion"] });
  const [map, occluded] = explanations.map((e) => e.map);
  const fine = upsample(map.data, [7, 7], [224, 224]);
  expect(shown).toBeCloseTo(rankCorrelation(fine, occluded.data), 1);
  await node.release();
  await context.close();
  served.stop();
});

test("at the speed of the hand", async () => {
  const served = await serve();
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  await openPage(context, served.url).then(({ page }) => page.close()); // everything is cached from here on
  const { page } = await openPage(context, served.url);
  const blocked = await page.evaluateHandle(() => {
    const tasks: number[] = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: "longtask",
    });
    return tasks;
  });
  const tasks = await traceTasks(context, page);
  const dropped = performance.now();
  await dropPhoto(page);
  await settled(page);
  const first = performance.now() - dropped;
  const hovers = await page.evaluate(async () => {
    const times: number[] = [];
    const settledOn = (index: string) =>
      document.querySelector(".hero")?.getAttribute("data-settled") === "true" &&
      document.querySelector(".row.hovered")?.getAttribute("data-class") === index;
    for (const row of [...document.querySelectorAll<HTMLElement>("[role=option]")].slice(1, 25)) {
      const begun = performance.now();
      row.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
      do await new Promise((next) => setTimeout(next));
      while (!settledOn(row.dataset.class ?? ""));
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b);
  });
  for (const view of ["Test", "Model", "Explain"]) await page.getByRole("tab", { name: view }).click();
  await page.getByRole("button", { name: "All layers" }).click();
  await page.locator(".strip canvas").last().waitFor();
  await download(page, "Panel");
  await page.getByRole("tab", { name: "Caption" }).click();
  await settled(page);
  const handle = (await page.locator(".handle").first().boundingBox())!;
  await page.mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
  await page.mouse.down();
  await page.mouse.move(handle.x + 60, handle.y + 50, { steps: 10 });
  await page.mouse.up();
  await settled(page);
  const longest = await tasks();
  const observed = Math.max(0, ...(await blocked.jsonValue()));
  const median = hovers[hovers.length >> 1];
  console.log(
    `first overlay ${first.toFixed(0)} ms; a class ${median.toFixed(1)} ms (median); longest task ${longest.toFixed(0)} ms of the processor, ${observed.toFixed(0)} ms by the clock`,
  );
  expect(first).toBeLessThan(1500);
  expect(median).toBeLessThan(30);
  // The clock also counts what other programs take: the processor's time is what the page itself would block.
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(50);
  await context.close();
  served.stop();
});

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of the processor. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Records the tasks of the page's main thread; the answer is the longest one, in milliseconds of the processor. */
async function traceTasks(context: BrowserContext, page: Page): Promise<() => Promise<number>> {
  const devtools = await context.newCDPSession(page);
  const events: TraceEvent[] = [];
  devtools.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await devtools.send("Tracing.start", { categories: "toplevel,devtools.timeline", transferMode: "ReportEvents" });
  return async () => {
    const complete = new Promise((resolve) => devtools.once("Tracing.tracingComplete", resolve));
    await devtools.send("Tracing.end");
    await complete;
    const painter = events.find(({ name }) => name === "Layout");
    const own = events.filter(({ ph, pid, tid }) => ph === "X" && pid === painter?.pid && tid === painter.tid);
    return own.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1000), 0);
  };
}
