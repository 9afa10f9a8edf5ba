/** @file What the package shows: its names, and how much a browser must load for them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import * as everywhere from "../../src/index.ts";
import * as inNode from "../../src/node.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("names of gradcam", () => {
  expect(Object.keys(everywhere).sort()).toMatchInlineSnapshot(`
    [
      "InternalError",
      "UserError",
      "checkVjp",
      "methods",
      "openExplainer",
      "operators",
      "vjp",
    ]
  `);
});

test("names of gradcam/node", () => {
  expect(Object.keys(inNode).sort()).toMatchInlineSnapshot(`
    [
      "assumePreprocess",
      "bundledModel",
      "compileFile",
      "decode",
      "encodePng",
      "fromHuggingFace",
      "guidedImage",
      "heat",
      "load",
      "overlay",
      "preprocess",
      "writeWhy",
    ]
  `);
});

test("the subpaths that package.json offers", () => {
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  expect(Object.keys(exports)).toEqual([".", "./node", "./compile", "./package.json"]);
});

test("gradcam is at most 60 KB, gzipped, without ONNX Runtime and without Node", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${root}dist/index.js`],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const size = gzipSync(outputFiles[0].contents).length;
  console.log(`gradcam: ${(size / 1024).toFixed(1)} KB gzipped`);
  expect(size).toBeLessThanOrEqual(60 * 1024);
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((name) => /node:|onnxruntime-(node|web)|sharp|commander/.test(name))).toEqual([]);
  expect(outputFiles[0].text).not.toMatch(/["']node:/);
});
