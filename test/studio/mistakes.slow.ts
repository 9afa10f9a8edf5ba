/** @file What goes wrong: each time a person is told in plain words, and goes on with what there was. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { drop, dropPhoto, openPage, settled } from "./browser.ts";
import { visiting } from "./visit.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "gradcam-studio-"));
const visit = visiting();
let page: Page;

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const start = async (): Promise<void> => {
  ({ page } = await openPage(visit.context, visit.served.url));
};

async function expectNotice(...words: (string | RegExp)[]): Promise<void> {
  const notice = page.locator(".notice");
  await notice.waitFor();
  for (const word of words) expect(await notice.innerText()).toMatch(word);
  expect(await notice.innerText()).not.toMatch(/internal|undefined|\bat .*:\d+/);
}

/** After every mistake the studio still does what it is for. */
async function expectUsable(): Promise<void> {
  await dropPhoto(page);
  await settled(page);
  expect(await page.locator(".sentence h1").innerText()).toBe("Why espresso?");
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A PNG of which there is only the head: so many pixels are promised. */
function hugePng(width: number, height: number): Uint8Array {
  const head = Buffer.from("89504e470d0a1a0a0000000d494844520000000000000000080200000000000000", "hex");
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head;
}

test("a broken picture", async () => {
  await start();
  await drop(page, { name: "photo.jpg", type: "image/jpeg", bytes: bytes("\xff\xd8 this is no photograph") });
  await expectNotice("This picture cannot be read", "JPEG, PNG or WebP");
  await expectUsable();
});

test("a picture of 200 megapixels", async () => {
  await start();
  await drop(page, { name: "wall.png", type: "image/png", bytes: hugePng(20_000, 10_000) });
  await expectNotice("Too large for a browser tab", "20000 x 10000");
  await expectUsable();
});

test("a file that is not ONNX", async () => {
  await start();
  await drop(page, { name: "net.onnx", type: "", bytes: bytes("<!doctype html> not found") });
  await expectNotice("A web page came in place of the file", "download");
  expect(await page.locator(".foot").innerText()).toContain("efficientnet-lite0");
  await page.getByRole("tab", { name: "Explain" }).click();
  await expectUsable();
});

test("a model of 500 MB", async () => {
  await start();
  const file = path.join(scratch, "large.onnx");
  writeFileSync(file, "");
  truncateSync(file, 500e6);
  await page.getByRole("tab", { name: "Model" }).click();
  await page.getByLabel("Model files").setInputFiles(file);
  await expectNotice("Too large for a browser tab", "500 MB", "gradcam explain photo.jpg --model large.onnx");
  await page.getByRole("tab", { name: "Explain" }).click();
  await expectUsable();
});

test("labels that are too many", async () => {
  await start();
  const { gap } = await import("../nets.ts");
  await drop(
    page,
    { name: "net.onnx", type: "", bytes: gap() },
    { name: "labels.txt", type: "text/plain", bytes: bytes("a\nb\nc\nd\ne\nf\ng\nh") },
  );
  await expectNotice("The labels do not fit the model", "8 names for a model of");
});

test("a worker that dies", async () => {
  await start();
  await dropPhoto(page);
  await settled(page);
  const [worker] = page.workers();
  await worker.evaluate(() => self.close()).catch(() => undefined);
  await expectNotice("The engine stopped and was started again", "memory");
  await page.locator(".working").waitFor({ state: "detached" });
  await settled(page);
  await expectUsable();
});

test("an engine that dies again and again is not started for ever; a button starts it", async () => {
  await start();
  await dropPhoto(page);
  await settled(page);
  await visit.context.route(/assets\/worker-.*\.js/, (route) => route.abort());
  await page.evaluate(async () => {
    for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
    for (const name of await caches.keys()) if (name.startsWith("gradcam-studio-")) await caches.delete(name);
  });
  const [worker] = page.workers();
  await worker.evaluate(() => self.close()).catch(() => undefined);
  const notice = page.locator(".notice").filter({ hasText: "again and again" });
  await notice.waitFor();
  await visit.context.unroute(/assets\/worker-.*\.js/);
  await notice.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("option", { name: /^Egyptian cat/ }).click();
  await settled(page);
  expect(await page.locator(".sentence h1").innerText()).toBe("Why Egyptian cat?");
});

test("words about a scene come back with the engine", async () => {
  await start();
  await page.getByRole("tab", { name: "Ask" }).click();
  const replies = page.locator(".replies");
  await replies.waitFor();
  await page.getByRole("textbox", { name: "Question" }).fill("how many objects are there");
  await page.keyboard.press("Enter");
  await page.locator(".hero[data-settled=true]").waitFor();
  const [worker] = page.workers().filter((one) => /\/worker-/.test(one.url()));
  await worker.evaluate(() => self.close()).catch(() => undefined);
  await page.locator(".notice").waitFor();
  await page.getByRole("textbox", { name: "Question" }).fill("how many squares are there");
  await page.keyboard.press("Enter");
  await page.locator(".hero[data-settled=true]").waitFor();
  await replies.waitFor();
  expect(await page.locator("#refusal").innerText()).toBe("");
});

test("a cache that holds something else is passed over", async () => {
  await start();
  await page.evaluate(async () => {
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys())
        if (/(onnx|wasm)$/.test(request.url)) await cache.put(request, new Response("garbage"));
    }
  });
  await page.reload();
  await page.locator(".foot").waitFor();
  await dropPhoto(page);
  await settled(page);
  expect(await page.locator(".notice").count()).toBe(0);
});

test("a camera that is refused", async () => {
  await start();
  await page.getByRole("button", { name: "Take a photograph" }).click();
  await expectNotice("The camera cannot be used", /Choose a picture|choose a picture/);
  await expectUsable();
});

test("a browser without SIMD in WebAssembly", async () => {
  const blind = await visit.browser.newContext({ serviceWorkers: "block" });
  await blind.route(/assets\/worker-.*\.js/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `WebAssembly.validate = () => false;${await response.text()}` });
  });
  page = await blind.newPage();
  await page.goto(visit.served.url);
  await expectNotice("no WebAssembly SIMD");
  expect(await page.getByRole("heading", { name: "Ask a network why." }).count()).toBe(1);
  await blind.close();
});

test("a storage that is full", async () => {
  page = await visit.context.newPage();
  const devtools = await visit.context.newCDPSession(page);
  const { origin } = new URL(visit.served.url);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 3e6 });
  await page.goto(visit.served.url);
  await page.locator(".foot").waitFor();
  await expectNotice("There is no room to keep the model");
  await expectUsable();
});

test("a model address on another server", async () => {
  page = await visit.context.newPage();
  await page.goto(`${visit.served.url}?model=https://example.com/model/`);
  await expectNotice("another server", "gradcam studio --model");
});
