/** @file What the package shows: its names, and how much a browser must load for them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import * as everywhere from "../../src/index.ts";
import * as metrics from "../../src/metrics.ts";
import * as inNode from "../../src/node.ts";
import * as scenes from "../../src/scenes/index.ts";
import * as onTheWeb from "../../src/web.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("names of gradcam", () => {
  expect(Object.keys(everywhere).sort()).toMatchInlineSnapshot(`
    [
      "InternalError",
      "UserError",
      "byImage",
      "checkVjp",
      "defineMethod",
      "flatGrid",
      "hvp",
      "layerMethod",
      "loadOperators",
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
      "bundledAnswerer",
      "bundledCaptioner",
      "bundledModel",
      "byImage",
      "compareMaps",
      "compileCaptioner",
      "compileFile",
      "decode",
      "defineMethod",
      "drawBoxes",
      "encodePng",
      "flatGrid",
      "fromHuggingFace",
      "guidedImage",
      "heat",
      "layerMethod",
      "load",
      "loadAnswerer",
      "loadCaptioner",
      "openFile",
      "overlay",
      "preprocess",
      "providerReport",
      "writeAnswered",
      "writeCaptioned",
      "writeWhy",
    ]
  `);
});

test("names of gradcam/metrics", () => {
  expect(Object.keys(metrics).sort()).toMatchInlineSnapshot(`
    [
      "area",
      "averageDrop",
      "boxOverlap",
      "complexity",
      "deletionCurve",
      "energyPointingGame",
      "faithfulnessCorrelation",
      "infidelity",
      "insertionCurve",
      "insideOutside",
      "localises",
      "maskOverlap",
      "maxBoxAccuracy",
      "maxSensitivity",
      "pixelAveragePrecision",
      "pointingGame",
      "randomFor",
      "rankCorrelation",
      "regionOf",
      "relevanceRankAccuracy",
      "road",
      "sparseness",
    ]
  `);
});

test("names of gradcam/scenes", () => {
  expect(Object.keys(scenes).sort()).toMatchInlineSnapshot(`
    [
      "answerTo",
      "answers",
      "captionOf",
      "captions",
      "colours",
      "fits",
      "fitting",
      "inks",
      "isTrue",
      "makeScene",
      "paint",
      "parseCaption",
      "parsePhrase",
      "parseQuestion",
      "phrase",
      "questionKinds",
      "questionText",
      "questions",
      "radii",
      "related",
      "relations",
      "shapes",
      "side",
      "sizes",
      "specialTokens",
      "textures",
      "tilts",
      "vocabulary",
      "withMark",
      "withOneMore",
    ]
  `);
});

test("names of gradcam/web", () => {
  expect(Object.keys(onTheWeb).sort()).toMatchInlineSnapshot(`
    [
      "Classifier",
      "EveryLayer",
      "LoadedAnswerer",
      "LoadedCaptioner",
      "LoadedClassifier",
      "assumePreprocess",
      "box",
      "bundledAnswerer",
      "bundledCaptioner",
      "bundledModel",
      "byImage",
      "colormap",
      "colormaps",
      "decode",
      "defineMethod",
      "digest",
      "download",
      "drawBoxes",
      "encodeNpy",
      "encodePng",
      "figureOf",
      "flatGrid",
      "fromHuggingFace",
      "fromImageData",
      "guidedImage",
      "heat",
      "layerMethod",
      "load",
      "loadAnswerer",
      "loadCaptioner",
      "normalise",
      "opacityAt",
      "operatorsWithoutRule",
      "overlay",
      "panelCell",
      "pathOf",
      "peak",
      "percent",
      "plainWords",
      "preprocess",
      "providerReport",
      "rankCorrelation",
      "rasterise",
      "shuffled",
      "signatureOf",
      "toImageData",
      "upsample",
      "view",
      "weightsOf",
    ]
  `);
});

test("the subpaths that package.json offers", () => {
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  expect(Object.keys(exports)).toEqual([
    ".",
    "./node",
    "./web",
    "./compile",
    "./language",
    "./metrics",
    "./scenes",
    "./client",
    "./package.json",
  ]);
});

test("TypeScript that does not read exports finds the same declarations", () => {
  const { exports, main, types, typesVersions } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const { ".": whole, "./package.json": _, ...doors } = exports as Record<string, { types: string; default: string }>;
  expect({ types, default: main }).toEqual(whole);
  const declared = Object.entries(doors).map(([door, { types }]) => [door.slice(2), [types]]);
  expect(typesVersions).toEqual({ "*": Object.fromEntries(declared) });
});

/** What a page that differentiates and explains is made of, with what few models and pages need in files of their own. */
async function bundled() {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `export { vjp, openExplainer } from "./dist/index.js"`,
      resolveDir: root,
      sourcefile: "page.js",
    },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const outputs = Object.entries(metafile.outputs);
  const upFront = new Set<string>();
  const visit = (name: string, seen: Set<string>) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") visit(path, seen);
  };
  const start = (file: string, seen: Set<string>) => {
    for (const [name, { entryPoint }] of outputs) if (entryPoint?.endsWith(file)) visit(name, seen);
  };
  start("page.js", upFront);
  const explaining = new Set(upFront);
  start("dist/explain/explainer.js", explaining);
  const size = (names: Iterable<string>) =>
    [...names].reduce((sum, name) => {
      const file = outputFiles.find(({ path }) => path.endsWith(name.slice(name.lastIndexOf("/"))));
      return sum + gzipSync(file?.contents ?? new Uint8Array()).length;
    }, 0);
  return {
    metafile,
    outputFiles,
    upFront: size(upFront),
    explaining: size(explaining),
    whole: size(outputs.map(([name]) => name)),
  };
}

/** Of the methods the names are up front, and Grad-CAM; another is loaded when it is named. */
test("gradcam is at most 60 KB up front, 93 KB where it explains and 215 KB with every method, gzipped, without ONNX Runtime and without Node", async () => {
  const { metafile, outputFiles, upFront, explaining, whole } = await bundled();
  const sizes = { "up front": upFront, "where it explains": explaining, whole };
  const text = Object.entries(sizes).map(([what, bytes]) => `${(bytes / 1024).toFixed(1)} KB ${what}`);
  console.log(`gradcam: ${text.join(", ")}, gzipped`);
  expect(upFront).toBeGreaterThan(20 * 1024);
  expect(upFront).toBeLessThanOrEqual(60 * 1024);
  expect(explaining).toBeGreaterThan(upFront);
  expect(explaining).toBeLessThanOrEqual(93 * 1024);
  expect(whole).toBeGreaterThan(explaining);
  expect(whole).toBeLessThanOrEqual(215 * 1024);
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((name) => /node:|onnxruntime-(node|web)|sharp|commander/.test(name))).toEqual([]);
  for (const { text } of outputFiles) expect(text).not.toMatch(/["']node:/);
});

test("gradcam/metrics is less than 16 KB, gzipped, and needs no runtime, no model and no Node", async () => {
  const { outputFiles, metafile } = await build({
    ...{ entryPoints: [`${root}dist/metrics.js`], bundle: true, minify: true, format: "esm", platform: "browser" },
    ...{ write: false, metafile: true, logLevel: "silent" },
  });
  const folders = Object.keys(metafile.inputs).map((name) => name.replace(/^.*dist\//, "").replace(/\/[^/]*$/, ""));
  const allowed = ["array", "errors.js", "evaluate/metrics", "image", "metrics.js", "onnx/dims.js", "onnx"];
  expect([...new Set(folders)].filter((folder) => !allowed.includes(folder))).toEqual([]);
  expect(gzipSync(outputFiles[0].contents).length).toBeLessThan(16 * 1024);
});

test.each(["esm", "cjs"] as const)("the version within a bundle is that of package.json: %s", async (format) => {
  const entry = path.join(root, "src/node/version.ts");
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, platform: "node", format });
  const inside: { exports: object } = { exports: {} };
  if (format === "cjs") new Function("module", outputFiles[0].text)(inside);
  else inside.exports = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect(inside.exports).toMatchObject({ packageVersion: version });
});
