/** @file What `npm run new` writes, in a copy of the files that it reads: the guides' files, entered everywhere, with what is left to do. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

const parts = ["src/methods", "src/ops", "src/evaluate/metrics", "docs", "scripts/new.mjs", "scripts/new"];
const more = ["test/methods/registry.test.ts", "test/ops", "README.md"];

function checkout() {
  const copy = mkdtempSync(path.join(tmpdir(), "gradcam-new-"));
  copies.push(copy);
  for (const part of [...parts, ...more])
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true, filter: (name) => !name.endsWith(".png") });
  const begin = async (...args: string[]) => {
    const said = promisify(execFile)(process.execPath, ["scripts/new.mjs", ...args], { cwd: copy });
    return said.then(
      ({ stdout }) => ({ code: 0, stdout, stderr: "" }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  };
  return { begin, text: (file: string) => readFileSync(path.join(copy, file), "utf8"), copy };
}
const filesUnder = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

test("a method: its file and page, and its line in the registry, the test and both tables", async () => {
  const { begin, text } = checkout();
  const { code, stdout } = await begin("method", "even-cam++");
  expect(code).toBe(0);
  expect(stdout.split("\n\n")[0].split("\n")).toEqual([
    "src/methods/even-cam++.ts",
    "src/methods/index.ts",
    "src/methods/by-name.ts",
    "test/methods/registry.test.ts",
    "docs/methods/even-cam++.md",
    "docs/methods/README.md",
    "README.md",
  ]);
  expect(text("src/methods/even-cam++.ts")).toContain(
    "export const evenCamPlusPlus = layerMethod(evenCamPlusPlusMap, {",
  );
  expect(text("src/methods/index.ts")).toContain('import { evenCamPlusPlus } from "./even-cam++.ts";\n');
  expect(text("src/methods/index.ts")).toMatch(/registered: [^=]* = \[[^\]]*\w, evenCamPlusPlus,?\s*\];/);
  const loader = '  "even-cam++": async () => (await import("./even-cam++.ts")).evenCamPlusPlus,\n};';
  expect(text("src/methods/by-name.ts")).toContain(loader);
  expect(text("test/methods/registry.test.ts")).toContain('  "even-cam++": { signed: false, pixels: false },\n};');
  expect(text("docs/methods/README.md")).toMatch(/\n\| \[`even-cam\+\+`\]\(even-cam\+\+\.md\) \|.*TODO.*\n\n/);
  expect(text("README.md")).toContain("\n| [`even-cam++`](docs/methods/even-cam++.md) | TODO |\n\n");
});

test.each([
  ["Bend", "activation", 'names: "', "export const Bend ="],
  ["Inverse2", "brand-new", 'names: "Inverse2", load: () => import("./brand-new.ts")', "export const Inverse2 ="],
  ["com.microsoft.NewOne", "brand-new", 'names: "NewOne", domain: "com.microsoft", load', "export const NewOne ="],
  ["com.microsoft.NewOne", "inverse", 'names: "Inverse NewOne", domain: "com.microsoft"', "export const NewOne ="],
])("the operator %s of the family %s", async (name, family, index, rule) => {
  const { begin, text } = checkout();
  expect(await begin("operator", name, family)).toMatchObject({ code: 0 });
  expect(text(`src/ops/${family}.ts`)).toContain(rule);
  expect(text(`src/ops/${family}.ts`)).toMatch(/^import \{[^}]*\belementwise\b/m);
  expect(text("src/ops/families.ts")).toContain(index);
  expect(text(`test/ops/${family}.test.ts`)).toContain(`checkRule("${name}",`);
});

test("a metric: its file and page, and its line in the registry and the table", async () => {
  const { begin, text } = checkout();
  expect(await begin("metric", "top-k-intersection")).toMatchObject({ code: 0 });
  expect(text("src/evaluate/metrics/top-k-intersection.ts")).toContain("export const topKIntersection: Metric = {");
  expect(text("src/evaluate/metrics/index.ts")).toMatch(/ {2}\w+,\n {2}topKIntersection,\n\];/);
  expect(text("docs/metrics/top-k-intersection.md")).toContain("## Blank maps");
  expect(text("docs/metrics/README.md")).toContain("\n| [`top-k-intersection`](top-k-intersection.md) |");
});

test.each([
  [["method", "layer-cam"], "the method layer-cam exists: src/methods/layer-cam.ts"],
  [["method", "Layer"], 'invalid name: "Layer"; it looks like layer-cam or grad-cam++'],
  [["method"], 'invalid name: ""'],
  [["operator", "Relu", "activation"], "the operator Relu exists: src/ops/activation.ts"],
  [["operator", "com.microsoft.Inverse", "brand-new"], "the operator com.microsoft.Inverse exists"],
  [["operator", "Relu", "brand-new"], "the operator Relu exists: src/ops/activation.ts"],
  [["operator", "Shrink"], "missing family"],
  [["operator", "com.microsoft.Shrink", "activation"], "holds operators of the standard; take another family"],
  [["metric", "road"], "the metric road exists: docs/metrics/road.md"],
  [["metric", "deletion"], "the metric deletion exists"],
  [["task", "x"], 'unknown kind: "task"'],
])("%j is refused, and nothing is written", async (args, words) => {
  const { begin, copy } = checkout();
  const before = filesUnder(copy);
  const { code, stdout, stderr } = await begin(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.startsWith(words) || stderr.split("\n")[0].includes(words), stderr).toBe(true);
  expect(stderr).toContain("npm run new -- method NAME");
  expect(filesUnder(copy)).toEqual(before);
});
