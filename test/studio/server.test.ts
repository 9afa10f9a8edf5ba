/** @file The studio with a server as its back end: what is sent, when, and where to; answers are held against Node's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { decode } from "../../src/image/sharp.ts";
import { type LoadedClassifier, load } from "../../src/node.ts";
import {
  apart,
  build,
  download,
  downloadMap,
  dropPhoto,
  launch,
  openPage,
  photo,
  serve,
  serving,
  settled,
} from "./browser.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const token = "a-token-of-the-tests-0123456789";
const scratch = mkdtempSync(path.join(tmpdir(), "gradcam-service-"));
let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrongs: string[];
let studio: Awaited<ReturnType<typeof serve>>;
let service: Awaited<ReturnType<typeof serving>>;
let node: LoadedClassifier;
const sent: string[] = [];

beforeAll(async () => {
  const tokens = path.join(scratch, "tokens");
  writeFileSync(tokens, `${token}\n`);
  build();
  [browser, studio, node] = await Promise.all([launch(), serve(), load()]);
  service = await serving("--cors", new URL(studio.url).origin, "--token-file", tokens);
  context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.on("request", (request) => {
    if (request.url().startsWith(service.url)) sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
  ({ page, wrongs } = await openPage(context, studio.url));
  // From the second visit on the service worker gives every file its policy.
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.locator(".foot").waitFor();
  await dropPhoto(page);
  await settled(page);
});

afterAll(async () => {
  await browser?.close();
  studio?.stop();
  service?.stop();
  await node?.release();
  rmSync(scratch, { recursive: true, force: true });
});

const panel = () => page.getByRole("region", { name: "A server" });

async function connect(address: string, secret: string): Promise<void> {
  await panel().getByLabel("Address").fill(address);
  await panel().getByLabel("Token").fill(secret);
  await panel().getByRole("button", { name: "Connect" }).click();
}

test("a wrong token and a wrong address are told in plain words, and nothing changes", async () => {
  await page.getByRole("tab", { name: "Model" }).click();
  await connect(service.url, "not-the-token-of-the-tests");
  const notice = page.locator(".notice");
  await notice.waitFor();
  expect(await notice.innerText()).toContain("The server requires a bearer token");
  await notice.getByRole("button", { name: "Close" }).click();
  await connect("http://127.0.0.1:9", token);
  await notice.waitFor();
  expect(await notice.innerText()).toContain("The server cannot be reached");
  expect(await notice.innerText()).toContain(`gradcam serve --cors ${new URL(studio.url).origin}`);
  await notice.getByRole("button", { name: "Close" }).click();
  expect(await page.locator(".foot").innerText()).toContain("Nothing leaves this device.");
});

test("connecting asks for models and sends no picture; then it is said that pictures leave", async () => {
  sent.length = 0;
  await connect(service.url, token);
  await panel().getByRole("combobox").waitFor();
  expect(new Set(sent)).toEqual(new Set(["GET /v1/models"]));
  expect(await panel().getByRole("option").allInnerTexts()).toEqual(["efficientnet-lite0"]);
  const { host } = new URL(service.url);
  expect(await panel().locator(".warning").innerText()).toContain(`will be sent to ${host}`);
  await panel().getByRole("button", { name: "Send pictures to it" }).click();
  await page.locator(".sent").waitFor();
  expect(await page.locator(".sent").innerText()).toContain(`Pictures you show are sent to ${host}.`);
  expect(await page.locator(".foot").innerText()).toContain(`Pictures are sent to ${host}.`);
  expect(sent).toContain("POST /v1/explain");
  expect(page.url()).not.toContain(token);
  expect(decodeURIComponent(page.url())).not.toContain(host.split(":")[1]);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept).not.toContain(token);
});

test("its answers are shown as those of this device: any class, rather than another, other layers and methods, files", async () => {
  await page.getByRole("tab", { name: "Explain" }).click();
  await settled(page);
  expect(await page.locator(".sentence h1").innerText()).toBe("Why espresso?");
  const expectMap = async (options: Parameters<typeof node.explain>[1]) => {
    const [{ map }] = (await node.explain(photo, options)).explanations;
    expect(apart((await downloadMap(page)).data, map.data)).toBeLessThan(1e-3);
  };
  await expectMap({});
  await page.getByRole("option", { name: /^Egyptian cat/ }).hover();
  await page
    .getByRole("option", { name: /^Egyptian cat/ })
    .locator(".versus")
    .click();
  await page.mouse.move(400, 400);
  await settled(page);
  await expectMap({ classes: [967], against: 285 });
  await page.getByText("For", { exact: true }).click();
  // A class whose score came with no picture.
  await page.getByRole("searchbox").fill("zebra");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await settled(page);
  const { predictions } = await node.explain(photo, { classes: [340] });
  const score = predictions.find((one) => one.class === 340)?.score ?? Number.NaN;
  await expect.poll(() => page.locator(".sentence .figures").innerText()).toContain(`score ${score.toFixed(2)}`);
  await page.getByRole("combobox", { name: "Method" }).selectOption("gradient");
  await expectMap({ classes: [340], method: "gradient" });
  const overlay = await download(page, "Overlay");
  expect(overlay.name).toBe("cat-and-cup.gradient.340.png");
  expect([...overlay.bytes.subarray(1, 4)]).toEqual([...Buffer.from("PNG")]);
  // The box that is shown is ours: it is recorded and drawn, and where the server draws without it that is said.
  await page.getByRole("checkbox", { name: /^Box/ }).check();
  await page.getByRole("slider", { name: "Threshold" }).fill("0.5");
  const record = JSON.parse(Buffer.from((await download(page, "Record")).bytes).toString());
  expect(record.explanations[0].threshold).toBe(0.5);
  const boxed = await download(page, "Overlay");
  expect(boxed.name).toBe("cat-and-cup.gradient.340.box-50.png");
  const [plain, drawn] = await Promise.all([overlay.bytes, boxed.bytes].map((png) => decode(png)));
  const [x0, y0, x1] = record.explanations[0].box;
  const row = (y0 * drawn.width + Math.floor((x0 + x1) / 2)) * 3;
  expect([...drawn.data.subarray(row, row + 3)]).not.toEqual([...plain.data.subarray(row, row + 3)]);
  await download(page, "Figure");
  await expect.poll(() => page.locator(".notice").innerText()).toContain("The server draws it, without the box.");
  await page.keyboard.press("Escape");
  await page.getByRole("checkbox", { name: /^Box/ }).uncheck();
  await page.getByRole("combobox", { name: "Method" }).selectOption("grad-cam");
});

test("only the worker that asks the server may reach it, and it nothing else", async () => {
  const reaches = (script: RegExp, url: string) => {
    const worker = page.workers().find((one) => script.test(one.url()));
    if (!worker) throw new Error(`no worker ${script}: ${page.workers().map((one) => one.url())}`);
    return worker.evaluate(
      (address) =>
        fetch(address).then(
          () => true,
          () => false,
        ),
      url,
    );
  };
  const [server, networks] = [/\/server-worker-/, /\/worker-/];
  expect(await reaches(server, `${service.url}/healthz`)).toBe(true);
  expect(await reaches(server, `${studio.url}manifest.webmanifest`)).toBe(false);
  expect(await reaches(networks, `${service.url}/healthz`)).toBe(false);
  const pageReaches = (url: string) =>
    page.evaluate(
      (a) =>
        fetch(a).then(
          () => true,
          () => false,
        ),
      url,
    );
  expect(await pageReaches(`${service.url}/healthz`)).toBe(false);
  wrongs.length = 0; // the refusals are told in the console
});

test("back on this device nothing is sent any more", async () => {
  await page.getByRole("button", { name: "Back to this device" }).click();
  await page.locator(".sent").waitFor({ state: "detached" });
  await page.getByRole("searchbox").fill("");
  await settled(page);
  sent.length = 0;
  await dropPhoto(page);
  await settled(page);
  await page.getByRole("button", { name: "All layers" }).waitFor();
  expect(sent).toEqual([]);
  expect(await page.locator(".foot").innerText()).toContain("Nothing leaves this device.");
  expect(wrongs).toEqual([]);
});

test("the studio that the server serves asks it where it is", async () => {
  const own = await openPage(await browser.newContext(), `${service.url}/studio/#example=cat-and-cup&view=model`);
  const form = own.page.getByRole("region", { name: "A server" });
  expect(await form.getByLabel("Address").inputValue()).toBe(`${service.url}/`);
  await form.getByLabel("Token").fill(token);
  await form.getByRole("button", { name: "Connect" }).click();
  await form.getByRole("button", { name: "Send pictures to it" }).click();
  await own.page.locator(".sent").waitFor();
  await own.page.getByRole("tab", { name: "Explain" }).click();
  await settled(own.page);
  expect(await own.page.locator(".sentence h1").innerText()).toBe("Why espresso?");
  expect(own.wrongs).toEqual([]);
  await own.page.context().close();
});
