/** @file The declarations as a strict project sees them: what the documents show compiles, and what is misspelt does not. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const project = mkdtempSync(path.join(tmpdir(), "gradcam-types-"));
const flags = ["--noEmit", "--module", "nodenext", "--target", "es2023", "--skipLibCheck", "--types", "node"];
const strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];

beforeAll(() => {
  mkdirSync(path.join(project, "node_modules"));
  symlinkSync(root, path.join(project, "node_modules/gradcam"));
  for (const name of ["onnxruntime-node", "@types"])
    symlinkSync(path.join(root, "node_modules", name), path.join(project, "node_modules", name));
  writeFileSync(path.join(project, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** What the compiler says of a file: nothing, where all is well. */
async function compiled(text: string): Promise<string[]> {
  writeFileSync(path.join(project, "a.ts"), text);
  const said = await promisify(execFile)(path.join(root, "node_modules/.bin/tsc"), [...flags, ...strict, "a.ts"], {
    cwd: project,
  }).catch(({ stdout }: { stdout: string }) => ({ stdout }));
  return said.stdout.split("\n").filter((line) => line.startsWith("a.ts"));
}

const start = `import * as ort from "onnxruntime-node";
import { defineMethod, flatGrid, layerMethod, type MethodName, methods, openExplainer, type Rule, vjp } from "gradcam";
import { load } from "gradcam/node";
declare const bytes: Uint8Array;
declare const x: ort.Tensor;
const model = await load();
const explainer = await openExplainer(ort, bytes);
`;

test("rules of one's own, as the document shows them", async () => {
  const text = readFileSync(path.join(root, "docs/library.md"), "utf8");
  const [, shown] = /```ts\n([^`]*new Map<string, Rule>[^`]*)```/.exec(text) ?? [];
  expect(shown).toContain("build.step(y)");
  const use = 'await vjp(ort, bytes, { feeds: { x }, seeds: { y: x }, wrt: ["x"], rules });';
  expect(await compiled(`${start}${shown?.replace(/^import .*\n/m, "")}\n${use}`)).toEqual([]);
}, 60_000);

test("rules within a call need no type", async () => {
  const text = `await vjp(ort, bytes, { feeds: { x }, seeds: { y: x }, wrt: ["x"],
  rules: new Map([["Clip", ({ build, y: [y], dy: [dy] }) => [build.mul(dy, build.step(y))]]]) });
export const other: Rule = ({ build, y, dy }) => [build.mul(dy[0], build.step(y[0]))];`;
  expect(await compiled(start + text)).toEqual([]);
}, 60_000);

test("metrics on arrays of one's own", async () => {
  const text = `import { area, deletionCurve, pointingGame, regionOf } from "gradcam/metrics";
const data = new Float32Array(12);
const hit: boolean = pointingGame({ width: 4, height: 3, data }, regionOf([[0, 0, 1, 2]], 4, 3), { tolerance: 3 });
const curve = await deletionCurve(data, { data, dims: [1, 3, 4] }, ({ dims: [v = 0] }) => new Array<number>(v).fill(1));
export const found: number | undefined = hit && curve ? area(curve) : undefined;`;
  expect(await compiled(text)).toEqual([]);
}, 60_000);

test("methods go by their names, and options too", async () => {
  const right = `const name: MethodName = methods[0]!.name;
await explainer.explain({ x }, { method: name });
await model.explain("a.jpg", { method: ["grad-cam", "occlusion"], classes: ["top3"] });
const cells = layerMethod((parts) => parts.build.reduceMean(flatGrid(parts), [1]),
  { name: "mean-activation", title: "Mean activation", summary: "The channels' mean.", paper: "" });
await explainer.explain({ x }, { method: cells });
const flat = defineMethod({ name: "flat", space: "pixels", explain: async ({ image: { data, dims }, k }) =>
  ({ maps: { data: new Float32Array(k * data.length / dims[1]!), dims: [dims[0]! * k, ...dims.slice(2)] } }) });
await model.explain("a.jpg", { method: [flat, "grad-cam", cells] });`;
  expect(await compiled(start + right)).toEqual([]);
  const wrong = `await explainer.explain({ x }, { method: "gradcam" });
await model.explain("a.jpg", { method: ["grad-cam", "oclusion"] });
await model.explain("a.jpg", { clases: ["top3"] });
await load(undefined, { label: ["a"] });`;
  const said = await compiled(start + wrong);
  const lines = start.split("\n").length;
  expect(said.map((line) => Number(/\((\d+),/.exec(line)?.[1]) - lines)).toEqual([0, 1, 2, 3]);
}, 60_000);
