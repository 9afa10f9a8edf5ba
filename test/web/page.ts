/** @file Pages in Chromium that have the library and ONNX Runtime Web, as a server gives them, or as it fails to. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { Asked, AskedCase, InPage, Plain, Told } from "./in-page.ts";

const runtime = fileURLToPath(new URL("../../node_modules/onnxruntime-web/dist/", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".mjs": "text/javascript",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

export interface Served {
  readonly csp?: string;
  /** What comes in place of the runtime's WebAssembly: nothing (404), a page, or WebAssembly that holds nothing. */
  readonly wasm?: "missing" | "html" | "empty";
}

export interface Pages {
  open(browser: Browser, served?: Served): Promise<Page>;
  stop(): void;
}

/** @param models a folder whose files are served under `/models/` */
export async function pages(models?: string): Promise<Pages> {
  const entry = fileURLToPath(new URL("in-page.ts", import.meta.url));
  const external = ["onnxruntime-web"];
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm", external });
  const script = outputFiles[0].text;
  let how: Served = {};
  const server = createServer(async ({ url = "/" }, response) => {
    const name = new URL(url, "http://localhost").pathname;
    if (name === "/") {
      const html = { "content-type": "text/html", ...(how.csp && { "content-security-policy": how.csp }) };
      return response.writeHead(200, html).end('<!doctype html><script type="module" src="/in-page.js"></script>');
    }
    if (name === "/in-page.js") return response.writeHead(200, { "content-type": types[".js"] }).end(script);
    const missing = name.endsWith(".wasm") && how.wasm;
    if (missing === "html") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    if (missing === "empty") return response.writeHead(200, { "content-type": types[".wasm"] }).end(empty);
    const own = models && name.startsWith("/models/") ? path.join(models, name.slice("/models/".length)) : undefined;
    const at = own ?? path.join(runtime, path.basename(name));
    const file = missing ? undefined : await readFile(at).catch(() => undefined);
    const type = types[path.extname(name)] ?? "text/plain";
    return file ? response.writeHead(200, { "content-type": type }).end(file) : response.writeHead(404).end("no");
  });
  await new Promise<void>((ready) => server.listen(0, ready));
  const { port } = server.address() as AddressInfo;
  return {
    open: async (browser, served = {}) => {
      how = served;
      const page = await browser.newPage();
      await page.goto(`http://localhost:${port}/`);
      await page.waitForFunction("globalThis.inPage");
      return page;
    },
    stop: () => server.close(),
  };
}

export const gradient = (page: Page, asked: Asked): Promise<Told> =>
  page.evaluate((given) => (globalThis as unknown as { inPage: InPage }).inPage.gradient(given), asked);

export const conform = (page: Page, asked: AskedCase): Promise<Record<string, Plain[]>> =>
  page.evaluate((given) => (globalThis as unknown as { inPage: InPage }).inPage.conform(given), asked);

export const lose = (page: Page, asked: Asked): Promise<Told[]> =>
  page.evaluate((given) => (globalThis as unknown as { inPage: InPage }).inPage.lose(given), asked);

export const placed = (page: Page, asked: Asked, before = false) =>
  page.evaluate(([given, late]) => (globalThis as unknown as { inPage: InPage }).inPage.placed(given, late), [
    asked,
    before,
  ] as const);

export const stumble = (page: Page, ...given: Parameters<InPage["stumble"]>): Promise<Told[]> =>
  page.evaluate((all) => (globalThis as unknown as { inPage: InPage }).inPage.stumble(...all), given);
