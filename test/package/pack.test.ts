/** @file The package as others get it: packed, installed into an empty project, and used as a library, by its types and as a command. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const project = mkdtempSync(path.join(tmpdir(), "gradcam-pack-"));
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

// The install script of onnxruntime-node fetches CUDA libraries from outside the registries; every other script may run.
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip", npm_config_ignore_scripts: "false", NO_COLOR: "1" };
const execute = promisify(execFile);
const run = async (file: string, args: readonly string[], cwd = project) =>
  (await execute(file, args, { cwd, env })).stdout;

beforeAll(async () => {
  const out = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], root);
  [packed] = JSON.parse(out);
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await run("npm", ["i", "--prefer-offline", "--no-audit", "--no-fund", `./${packed.filename}`]);
}, 300_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test("what is in it: code with types, the model with its papers, and no tests", () => {
  const names = packed.files.map((file) => file.path);
  const model = "models/efficientnet-lite0";
  for (const name of [
    "dist/index.js",
    "dist/index.d.ts",
    "dist/node.js",
    "dist/web.js",
    "dist/cli/bin.js",
    "dist/studio/index.html",
    "LICENSE",
    "CITATION.cff",
    "package.json",
  ])
    expect(names).toContain(name);
  for (const name of [
    "onnx/model.onnx",
    "config.json",
    "preprocessor_config.json",
    "README.md",
    "LICENSE",
    "NOTICE",
    "SHA256SUMS",
  ])
    expect(names).toContain(`${model}/${name}`);
  // ONNX Runtime Web comes from its own package, and the model is there already.
  expect(names.filter((name) => /^dist\/studio\/(ort|models)\//.test(name))).toEqual([]);
  expect(names.filter((name) => /^(test|bench|scripts|docs)\//.test(name))).toEqual([]);
  expect(packed.size).toBeLessThan(20e6);
});

test("every file of dist has its source, which comes along for the source maps", () => {
  const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" });
  const known = new Set(sources.map((name) => `dist/${name.split(path.sep).join("/").replace(/\.ts$/, "")}`));
  const built = packed.files
    .map((file) => file.path)
    .filter((name) => name.startsWith("dist/") && !name.startsWith("dist/studio/"));
  expect(built.filter((name) => !known.has(name.replace(/(\.d)?\.[jt]s(\.map)?$/, "")))).toEqual([]);
});

test("a debugger finds the source of what runs", () => {
  const installed = path.join(project, "node_modules/gradcam/dist/explain");
  for (const kind of ["js", "d.ts"]) {
    const { sources } = JSON.parse(readFileSync(path.join(installed, `explainer.${kind}.map`), "utf8"));
    expect(readFileSync(path.join(installed, sources[0]), "utf8")).toContain("export class Explainer");
  }
});

test("the library imports and runs", async () => {
  const script = `
    import * as ort from "onnxruntime-node";
    import { openExplainer, vjp } from "gradcam";
    import { bundledModel, load } from "gradcam/node";
    const model = await load();
    const { data, width } = { data: new Uint8Array(64 * 64 * 3).fill(90), width: 64 };
    const { predictions, explanations } = await model.explain({ width, height: 64, data });
    await model.release();
    console.log(JSON.stringify([typeof vjp, typeof openExplainer, bundledModel, predictions.length, explanations[0].map.dims]));`;
  writeFileSync(path.join(project, "use.js"), script);
  const [primitive, open, bundled, count, dims] = JSON.parse(await run(process.execPath, ["use.js"]));
  expect([primitive, open, count, dims]).toEqual(["function", "function", 5, [7, 7]]);
  expect(bundled).toBe(path.join(project, "node_modules/gradcam/models/efficientnet-lite0"));
});

test("the command runs", async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect(await run("npx", ["gradcam", "--version"])).toBe(`${version}\n`);
  copyFileSync(path.join(root, "examples/images/cat-and-cup.jpg"), path.join(project, "photo.jpg"));
  const line = JSON.parse(await run("npx", ["gradcam", "explain", "photo.jpg", "--json"]));
  expect(line.explanations[0].label).toBe("espresso");
  expect(readdirSync(path.join(project, "gradcam-out"))).toContain(line.explanations[0].overlay);
});

test("its types hold in a strict project that checks them", async () => {
  const source = `
    import * as ort from "onnxruntime-node";
    import { openExplainer, type Target, UserError, vjp } from "gradcam";
    import { load, type Why } from "gradcam/node";
    export async function use(bytes: Uint8Array, input: ort.Tensor): Promise<Why> {
      const { gradients } = await vjp(ort, bytes, { feeds: { input }, seeds: { y: input }, wrt: ["input"], rules: "guided" });
      const explainer = await openExplainer(ort, bytes, { layer: "features" });
      const target: Target = { for: 281, against: 285 };
      const { maps } = await explainer.explain({ input }, { target, method: "grad-cam" });
      const dims: readonly number[] = maps.dims;
      if (dims.length === 0) throw new UserError("invalid-input", String(gradients.input.type));
      return (await load()).explain("photo.jpg", { classes: ["top3", 5], method: ["grad-cam", "occlusion"] });
    }
    // @ts-expect-error a method is named by a text
    export const wrong = (await load()).explain("photo.jpg", { method: 5 });`;
  writeFileSync(path.join(project, "use.ts"), source);
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    lib: ["es2023", "dom"],
  };
  writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  const complaints = await run(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", "."]).catch(
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(complaints).toBe("");
});
