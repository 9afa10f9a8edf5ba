/** @file Branches and loops as PyTorch writes them, against its autograd (`control/make_goldens.py`). */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { compile } from "../../src/explain/compile.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import { withSizes } from "../../src/explain/rewritten.ts";
import { readModel } from "../../src/onnx/model.ts";
import { openSession } from "../../src/onnx/runtime.ts";
import { example, filesIn, folder, gradcam } from "../cli/run.ts";
import { tensor } from "../models.ts";
import { session } from "./rules.ts";

interface Case {
  readonly dims: number[];
  readonly x: number[];
  readonly seed: number[];
  readonly y: number[];
  readonly gradients: Readonly<Record<string, number[]>>;
  readonly cams?: readonly { readonly target: number; readonly dims: number[]; readonly map: number[] }[];
}

const saved = new URL("control/", import.meta.url);
const goldens: Record<string, Case[]> = JSON.parse(readFileSync(new URL("goldens.json", saved), "utf8"));
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.onnx`, saved)));

const outputDims = (name: string, dims: readonly number[]): readonly number[] =>
  name === "head-by-size" ? [1, 5] : name === "cond" || name === "by-brightness" ? [dims[0], 4] : dims;

/** The largest distance, over the largest magnitude. */
function distance(got: ort.Tensor, want: readonly number[]): number {
  const data = [...(got.data as Float32Array)];
  expect(data).toHaveLength(want.length);
  const scale = Math.max(...want.map(Math.abs), 1e-3);
  return Math.max(...data.map((v, i) => Math.abs(v - want[i]))) / scale;
}

describe.each(Object.entries(goldens))("%s", (name, cases) => {
  test.each(cases.map((wanted, i) => [i, wanted] as const))("input %i", async (_, { dims, x, seed, y, gradients }) => {
    const bytes = bytesOf(name);
    const seeds = { y: tensor(seed, outputDims(name, dims)) };
    const asked = { feeds: { x: tensor(x, dims) }, seeds, wrt: Object.keys(gradients), session };
    const found = await vjp(ort, bytes, asked);
    expect(distance(found.outputs.y, y)).toBeLessThan(1e-5);
    for (const [at, want] of Object.entries(gradients))
      expect(distance(found.gradients[at], want), at).toBeLessThan(2e-5);
  });
});

test("in WebAssembly", async () => {
  wasm.env.wasm.numThreads = 1;
  wasm.env.logLevel = "error";
  for (const [name, [{ dims, x, seed, y, gradients }]] of Object.entries(goldens)) {
    const of = (values: readonly number[], shape: readonly number[]) =>
      new wasm.Tensor("float32", Float32Array.from(values), shape);
    const seeds = { y: of(seed, outputDims(name, dims)) };
    const found = await vjp(wasm, bytesOf(name), { feeds: { x: of(x, dims) }, seeds, wrt: ["x"] });
    expect(distance(found.outputs.y as ort.Tensor, y), name).toBeLessThan(1e-5);
    expect(distance(found.gradients.x as ort.Tensor, gradients.x), name).toBeLessThan(2e-5);
  }
});

test("Grad-CAM of a classifier that chooses its head by the size of the picture", async () => {
  const explainer = await openExplainer(ort, bytesOf("head-by-size"), { session });
  for (const { dims, x, cams = [] } of goldens["head-by-size"]) {
    const feeds = { x: tensor(x, dims) };
    for (const { target, dims: grid, map } of cams) {
      const { maps } = await explainer.explain(feeds, { target });
      expect(maps.dims).toEqual([1, ...grid]);
      expect(distance(maps, map), `class ${target}`).toBeLessThan(1e-5);
    }
    const { maps } = await explainer.explain(feeds, { target: { each: [0, 3] } });
    expect(distance(maps, [...cams[0].map, ...cams[3].map])).toBeLessThan(1e-5);
  }
  await explainer.release();
});

test("its compiled file explains as PyTorch does, and its adjoint is differentiated again", async () => {
  for (const { dims, x, cams = [] } of goldens["head-by-size"]) {
    const [, , height, width] = dims;
    const model = withSizes(readModel(bytesOf("head-by-size")), "x", [3, height, width]);
    const explainer = await openExplainer(ort, model.bytes, { session });
    const bytes = compile(explainer, { classInput: "required" });
    await explainer.release();
    const runner = await openSession(ort, bytes, session);
    const feeds = { x: tensor(x, dims) };
    for (const { target, dims: grid, map } of cams) {
      const asked = new ort.Tensor("int64", BigInt64Array.of(BigInt(target)), [1]);
      const { gradcam_map } = await runner.run({ ...feeds, gradcam_target: asked });
      expect(gradcam_map.dims).toEqual([1, ...grid]);
      expect(distance(gradcam_map, map)).toBeLessThan(1e-5);
    }
    await runner.release();
    const asked = new ort.Tensor("int64", BigInt64Array.of(1n), [1]);
    // Between rectifiers alphas are constant: a longer step crosses one, and they jump.
    const check = { feeds: { ...feeds, gradcam_target: asked }, output: "gradcam_map", step: 1e-4, session };
    for (const { error } of await checkVjp(ort, bytes, check)) expect(error).toBeLessThan(1e-2);
  }
});

test("the command line draws it", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "net.onnx"), bytesOf("head-by-size"));
  for (const size of ["12", "24"]) {
    const how = ["--model", "net.onnx", "--size", size, "--class", "0", "--method", "guided-grad-cam", "--json"];
    const { code, stdout, stderr } = await gradcam(["explain", example, ...how, "--out", size], cwd);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [{ overlay, map }] = JSON.parse(stdout).explanations;
    expect(map.shape).toEqual([Number(size), Number(size)]);
    expect(filesIn(path.join(cwd, size))).toContain(overlay);
  }
});
