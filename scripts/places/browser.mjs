/** @file A site served and opened in Chromium, and what its page found. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

const chromiums = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const types = { html: "text/html", js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };

export { chromium };

export function executable() {
  const found = process.env.CHROMIUM ?? chromiums.find(existsSync);
  if (!found) throw new Error("no Chromium: run `node scripts/setup.mjs`, or name one in CHROMIUM");
  return found;
}

/** Serves a directory while `use` works with its address. */
export async function served(directory, use) {
  const server = createServer((request, response) => {
    const name = path.normalize(new URL(request.url, "http://x").pathname).replace(/\/$/, "/index.html");
    try {
      const body = readFileSync(path.join(directory, name));
      response.setHeader("content-type", types[name.split(".").at(-1)] ?? "application/octet-stream").end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What the page at this address leaves in `window.found`. @throws Error with what the browser complained of */
export async function opened(address, patience = 120_000) {
  const browser = await chromium.launch({
    executablePath: executable(),
    args: ["--no-sandbox", "--force-color-profile=srgb"],
  });
  try {
    const page = await browser.newPage();
    const wrongs = [];
    page.on("pageerror", (error) => wrongs.push(error.message));
    page.on("console", (message) => message.type() === "error" && wrongs.push(message.text()));
    await page.goto(address);
    await page.waitForFunction("window.found", undefined, { timeout: patience }).catch(() => {
      throw new Error(`the page found nothing: ${wrongs.join("; ").slice(0, 300) || "no word"}`);
    });
    return await page.evaluate("window.found");
  } finally {
    await browser.close();
  }
}
