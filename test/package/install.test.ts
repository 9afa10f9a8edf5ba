/**
 * @file The package as others get it: packed once, and installed by README's words into an empty directory. There README's commands, the
 * library, its types, and pages built by Vite and opened in Chromium; bundlers.slow.ts has webpack and esbuild.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { served } from "../../scripts/places/browser.mjs";
import { builtAndOpened } from "../../scripts/places/bundlers.mjs";
import { root, shell } from "../../scripts/places/package.mjs";
import { differences } from "../../scripts/places/verdict.mjs";
import { launch } from "../chromium.ts";

const project = mkdtempSync(path.join(tmpdir(), "gradcam-install-"));
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code);
/** The first command that begins so, without what is said of it. */
const command = (words: string): string => {
  const lines = blocks("sh").flatMap((block) => block.split("\n"));
  const found = lines.find((line) => line.startsWith(words));
  if (!found) throw new Error(`README has no command ${words}`);
  return found.replace(/ +#.*$/, "");
};

const yours = path.join(project, "yours");
interface Packed {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

beforeAll(async () => {
  const place = path.join(project, "gradcam");
  mkdirSync(place);
  mkdirSync(yours);
  [packed] = JSON.parse(await shell(`npm pack --json --ignore-scripts --pack-destination ${place}`, root));
  writeFileSync(path.join(yours, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await shell(command("npm i ../gradcam/gradcam-"), yours);
  copyFileSync(path.join(root, "examples/images/cat-and-cup.jpg"), path.join(yours, "photo.jpg"));
}, 300_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test("README's first command, in Node", async () => {
  expect(await shell(command("npx gradcam explain photo.jpg"), yours)).toContain("espresso");
  expect(readdirSync(path.join(yours, "gradcam-out"))).toContain("photo.panel.png");
});

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
  const installed = path.join(yours, "node_modules/gradcam/dist/explain");
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
  writeFileSync(path.join(yours, "use.js"), script);
  const [primitive, open, bundled, count, dims] = JSON.parse(await shell("node use.js", yours));
  expect([primitive, open, count, dims]).toEqual(["function", "function", 5, [7, 7]]);
  expect(bundled).toBe(path.join(yours, "node_modules/gradcam/models/efficientnet-lite0"));
});

test("the command runs", async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect(await shell("npx gradcam --version", yours)).toBe(`${version}\n`);
  const line = JSON.parse(await shell("npx gradcam explain photo.jpg --json", yours));
  expect(line.explanations[0].label).toBe("espresso");
  expect(readdirSync(path.join(yours, "gradcam-out"))).toContain(line.explanations[0].overlay);
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
  writeFileSync(path.join(yours, "use.ts"), source);
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    lib: ["es2023", "dom"],
  };
  writeFileSync(path.join(yours, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const complaints = await shell(`node ${tsc} -p .`, yours).catch(({ stdout }: { stdout: string }) => stdout);
  expect(complaints).toBe("");
});

test("README's page, built by Vite", async () => {
  await shell(`npm i -D vite && ${command("npm i onnxruntime-web")}`, yours);
  await shell(command("mkdir -p public/models"), yours);
  const [code] = blocks("js").filter((block) => block.includes("gradcam/web"));
  const page = "<!doctype html><title>?</title><script type=module src=main.js></script>";
  writeFileSync(path.join(yours, "index.html"), page);
  writeFileSync(path.join(yours, "main.js"), code);
  writeFileSync(path.join(yours, "vite.config.js"), 'export default { build: { target: "esnext" } };');
  copyFileSync(path.join(yours, "photo.jpg"), path.join(yours, "public/photo.jpg"));
  await shell("npx vite build", yours);

  const browser = await launch();
  onTestFinished(() => browser.close());
  await served(path.join(yours, "dist"), async (address) => {
    const opened = await browser.newPage();
    const wrongs: string[] = [];
    opened.on("pageerror", (error) => wrongs.push(String(error)));
    await opened.goto(address);
    await expect.poll(async () => [await opened.title(), ...wrongs], { timeout: 60_000 }).toEqual(["espresso"]);
  });
});

test("a page and its worker find the same figures, built by Vite", async () => {
  const { withoutSource, ...found } = await builtAndOpened(yours, "vite");
  expect(differences(found)).toEqual([]);
  expect(withoutSource).toMatch(/^missing model: gradcam\/models\/.* is not served: .* give its address$/);
});
