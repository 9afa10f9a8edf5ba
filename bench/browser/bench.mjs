/**
 * @file Grad-CAM in a browser, gradcam beside TensorFlow.js: the same Chromium, the same page, in turn.
 *
 *     npm run bench:browser [-- --rounds 20 --threads 2]
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { median } from "../measure.mjs";
import { mobilenetV2 } from "../networks.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "20" }, threads: { type: "string", default: "2" } },
});
const beside = (from, name) => path.dirname(createRequire(from).resolve(name));
const places = {
  "/ort/": beside(import.meta.url, "onnxruntime-web/ort-wasm-simd-threaded.wasm"),
  "/tfjs/": path.join(here, "node_modules/@tensorflow/tfjs-backend-wasm/dist"),
};
const { outputFiles } = await build({
  entryPoints: [path.join(here, "contenders.mjs")],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  write: false,
  logLevel: "error",
});
const made = {
  "/": ["text/html", '<!doctype html><script type="module" src="bench.js"></script>'],
  "/bench.js": ["text/javascript", outputFiles[0].contents],
  "/mobilenet-v2.onnx": ["application/octet-stream", mobilenetV2()],
};
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const server = createServer(({ url }, response) => {
  const place = Object.keys(places).find((start) => url.startsWith(start));
  const types = { ".wasm": "application/wasm", ".mjs": "text/javascript", ".js": "text/javascript" };
  try {
    const [type, content] = place
      ? [types[path.extname(url)], readFileSync(path.join(places[place], path.basename(url)))]
      : made[url];
    response.writeHead(200, { ...headers, "Content-Type": type }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("pageerror", (error) => console.error(error));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => "run" in globalThis);
const asked = [Number(values.rounds), Number(values.threads)];
const times = await page.evaluate((given) => globalThis.run(...given), asked);
console.log(
  `Chromium ${browser.version()}, threads: ${values.threads}, MobileNet-v2 at 224, milliseconds: median (fastest)`,
);
for (const [name, all] of Object.entries(times))
  console.log(`${name.padEnd(42)} ${median(all).toFixed(1).padStart(8)} (${Math.min(...all).toFixed(1)})`);
await browser.close();
server.close();
