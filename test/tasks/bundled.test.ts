/** @file Where the bundled models are, from the address that the code finds itself at. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { bundledAnswerer, bundledCaptioner, bundledModel } from "../../src/node.ts";
import { packageRoot } from "../../src/tasks/bundled.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

test.each([
  ["file:///a/node_modules/gradcam/dist/tasks/bundled.js", "file:///a/node_modules/gradcam/"],
  ["file:///C:/dist/tasks/gradcam/dist/tasks/bundled.js", "file:///C:/dist/tasks/gradcam/"],
  ["https://cdn.example/npm/gradcam@1/dist/tasks/bundled.js?module#x", "https://cdn.example/npm/gradcam@1/"],
  [
    "http://localhost:5173/node_modules/gradcam/dist/tasks/bundled.js?v=1a2b",
    "http://localhost:5173/node_modules/gradcam/",
  ],
  ["http://localhost:5173/node_modules/.vite/deps/gradcam_web.js?v=1", undefined],
  ["https://x.example/dist/assets/index-abc.js", undefined],
  ["file:///srv/app/server.cjs", undefined],
  [undefined, undefined],
])("code at %s: the package is at %s", (address, root) => {
  expect(packageRoot(address)).toBe(root);
});

test("the bundled models' directories are there", () => {
  for (const directory of [bundledModel, bundledCaptioner, bundledAnswerer])
    expect(readdirSync(directory)).toContain("SHA256SUMS");
});

test("no bundler sees a file in what the library imports: new URL(…, import.meta.url) stands only behind the command line", async () => {
  const { metafile } = await build({
    entryPoints: ["index", "node", "web", "compile", "language", "client", "scenes/index"].map(
      (name) => `${project}src/${name}.ts`,
    ),
    ...{
      bundle: true,
      write: false,
      metafile: true,
      outdir: "out",
      platform: "node",
      format: "esm",
      logLevel: "silent",
    },
    packages: "external",
  });
  const files = Object.keys(metafile.inputs).map((file) => path.resolve(file));
  expect(files.length).toBeGreaterThan(100);
  const seen = files.filter((file) =>
    /new URL\([^()]*import\.meta\.url/.test(readFileSync(file, "utf8").replace(/\/\*.*?\*\//gs, "")),
  );
  expect(seen).toEqual([]);
});

test.each(["node", "web"])("gradcam/%s in a bundle of CommonJS says what is missing", async (door) => {
  const { outputFiles } = await build({
    stdin: { contents: `export * from "./src/${door}.ts";`, resolveDir: project },
    ...{ bundle: true, write: false, platform: "node", format: "cjs", logLevel: "silent", packages: "external" },
  });
  const directory = path.join(project, "node_modules/.cache/bundled");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${door}.cjs`);
  writeFileSync(file, outputFiles[0].text);
  const { load, bundledModel: place } = createRequire(import.meta.url)(file);
  expect(place.replace(/\/$/, "")).toBe("gradcam/models/efficientnet-lite0");
  await expect(load(undefined, { ...(door === "web" && { ort: {} }) })).rejects.toThrow(
    /^missing model: gradcam\/models\/efficientnet-lite0.* copy node_modules\/gradcam\/models\/efficientnet-lite0 /,
  );
  if (door === "node") await expect(load("x")).rejects.toThrow("missing model: x");
});
