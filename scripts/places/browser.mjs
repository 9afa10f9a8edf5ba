/** @file A site served and opened in Chromium, and what its page found. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { json } from "node:stream/consumers";
import { chromium } from "playwright-core";
import { chromiumPath } from "../chromium.mjs";

const types = { html: "text/html", js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };

/** Starts it, its colours those of any screen. */
export const launch = () =>
  chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--force-color-profile=srgb"] });

/** Serves a directory while `use` works with its address, and with what a page will post. */
export async function served(directory, use) {
  let tell;
  const posted = new Promise((resolve) => {
    tell = resolve;
  });
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      response.end();
      return tell(json(request));
    }
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
    return await use(`http://127.0.0.1:${server.address().port}/`, posted);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What the page at this address leaves in `window.found`. @throws Error with what the browser complained of */
export async function opened(address, patience = 120_000) {
  const browser = await launch();
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
