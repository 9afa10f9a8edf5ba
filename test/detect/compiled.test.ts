/** @file Compiled detectors: what one run of the file finds and shows is what is found and explained without it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { describe, expect, onTestFinished, test } from "vitest";
import { notesOf } from "../../src/explain/compiled.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import { compileFile } from "../../src/node/compile.ts";
import { load } from "../../src/node/load.ts";
import { readModel } from "../../src/onnx/model.ts";
import { declaredDims } from "../../src/onnx/proto.ts";
import { type Feeds, openSession, type Runtime, run } from "../../src/onnx/runtime.ts";
import { compileDetector } from "../../src/tasks/detect/compile-detector.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { expectUserError } from "../explain/ask.ts";

const folder = fileURLToPath(new URL("references", import.meta.url));
const runtime = ort as unknown as Runtime;
const pixels = numbersOf(readNpy(path.join(folder, "picture.npy")));
interface Case {
  readonly models: readonly { readonly file: string }[];
  readonly names: readonly string[];
  readonly picture: { readonly input: string; readonly scale: number };
}

const caseOf = (name: string): Case => JSON.parse(readFileSync(path.join(folder, name, "case.json"), "utf8"));

async function opened(name: string, file: string) {
  const { names: labels, picture } = caseOf(name);
  const explainer = await openExplainer(runtime, new Uint8Array(readFileSync(path.join(folder, name, file))));
  const input = { width: 64, height: 64 };
  const found = recogniseHead({ model: explainer.model, tensors: explainer.sized, input, labels, config: undefined });
  if (!found) throw new Error("not recognised");
  const data = Float32Array.from(pixels, (p) => p * picture.scale);
  const feeds = { [picture.input]: new ort.Tensor("float32", data, [1, 3, 64, 64]) };
  return { explainer, finder: new Finder(runtime, explainer, found.head), feeds, input };
}

const close = (got: readonly number[], wanted: readonly number[], tolerance: number) => {
  expect(got.length).toBe(wanted.length);
  const worst = got.reduce((most, v, i) => Math.max(most, Math.abs(v - (wanted[i] as number))), 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
};

const heads = ["nms", "yolo10", "yolo26", "yolo26-dense", "yolov5", "yolov8", "yolox", "yolox-decoded"];
const cases = heads.flatMap((name) => caseOf(name).models.map(({ file }) => [name, file, "hires-cam", 0.25] as const));

test.each([
  ...cases,
  ["yolov8", "model.onnx", "layer-cam", 0.01],
  ["yolo26", "model.onnx", "layer-cam", 0.01],
  // Not made place by place, and the file's batch is fixed: one box after another.
  ["yolov8", "model.onnx", "grad-cam", 0.25],
] as const)("%s, %s: %s above %d", async (name, file, method, score) => {
  const { explainer, finder, feeds, input } = await opened(name, file);
  const found = await finder.find(feeds, input, { score, maxDetections: 16 });
  const bytes = compileDetector(explainer, finder.head, finder.levels, { method, score });
  const session = await openSession(runtime, bytes, {});
  const results = await run(session, feeds);
  await session.release();
  const count = found.candidates.length;
  expect(count).toBeGreaterThan(0);
  const values = (of: string) => Array.from(results[`gradcam_${of}`]?.data as ArrayLike<number | bigint>, Number);
  expect(results.gradcam_boxes?.dims).toEqual([count, 4]);
  expect(values("labels")).toEqual(found.candidates.map((one) => one.class));
  close(
    values("scores"),
    found.candidates.map((one) => one.score),
    1e-5,
  );
  close(
    values("boxes"),
    found.candidates.flatMap(({ box }) => [...box]),
    1e-2,
  );
  const [, rows = 0, columns = 0] = results.gradcam_maps?.dims ?? [];
  const maps = values("maps");
  const answers = await found.pass.explain(
    found.candidates.map((one) => found.score(one)),
    { method },
  );
  const levels = JSON.parse(notesOf(readModel(bytes))?.levels ?? "[]");
  expect(answers.some(({ map }) => map.data.some((v) => v > 0))).toBe(true);
  answers.forEach(({ map, layer }, i) => {
    const [height = 0, width = 0] = map.dims;
    expect(levels[values("levels")[i] as number]).toEqual({ layer, grid: [height, width] });
    const own = maps.slice(i * rows * columns, (i + 1) * rows * columns);
    const wanted = own.map((_, at) => {
      const [y, x] = [Math.floor(at / columns), at % columns];
      return map.data[Math.floor((y * height) / rows) * width + Math.floor((x * width) / columns)] as number;
    });
    close(own, wanted, 1e-4 * Math.max(...wanted.map(Math.abs), 1e-6));
  });
  await explainer.release();
});

test("WebAssembly gives the same", async () => {
  wasm.env.wasm.numThreads = 1;
  wasm.env.logLevel = "error";
  const { explainer, finder, feeds } = await opened("yolov8", "model.onnx");
  const bytes = compileDetector(explainer, finder.head, finder.levels);
  const all = [];
  for (const [one, fed] of [
    [runtime, feeds],
    [wasm as unknown as Runtime, inWasm(feeds)],
  ] as const) {
    const session = await openSession(one, bytes, {});
    all.push(await run(session, fed));
    await session.release();
  }
  await explainer.release();
  const [native, web] = all;
  for (const name of ["boxes", "scores", "labels", "levels", "maps"]) {
    const [a, b] = [native, web].map((results) => results?.[`gradcam_${name}`]);
    expect(b?.dims).toEqual(a?.dims);
    const [want, got] = [a, b].map((tensor) => Array.from(tensor?.data as ArrayLike<number | bigint>, Number));
    close(got as number[], want as number[], 1e-3);
  }
});

const inWasm = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [
      name,
      new wasm.Tensor("float32", data as Float32Array, dims) as unknown as Feeds[string],
    ]),
  );

test("nothing found: no rows", async () => {
  const { explainer, finder, feeds } = await opened("yolov8", "model.onnx");
  const bytes = compileDetector(explainer, finder.head, finder.levels, { score: 0.9999 });
  const session = await openSession(runtime, bytes, {});
  const results = await run(session, feeds);
  await Promise.all([session.release(), explainer.release()]);
  expect(results.gradcam_boxes?.dims).toEqual([0, 4]);
  expect(results.gradcam_maps?.dims).toEqual([0, 8, 8]);
});

test("from disk: the file says what it is, and is opened as the detector that it was", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "gradcam-detector-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const out = path.join(directory, "boxes.onnx");
  const source = path.join(folder, "yolov8", "model.onnx");
  const labels = caseOf("yolov8").names;
  const { model } = await compileFile(source, { task: "detection", labels, out, maxDetections: 2, score: 0.3 });
  expect(notesOf(model)).toMatchObject({
    ...{ method: "hires-cam", task: "detection", labels: JSON.stringify(labels), preprocess: expect.any(String) },
    thresholds: JSON.stringify({ score: 0.3, iou: 0.7, maxDetections: 2 }),
  });
  expect(model.graph.output.slice(1).map((o) => [o.name, declaredDims(o)])).toEqual([
    ["gradcam_boxes", ["gradcam_detections", 4]],
    ["gradcam_scores", ["gradcam_detections"]],
    ["gradcam_labels", ["gradcam_detections"]],
    ["gradcam_levels", ["gradcam_detections"]],
    ["gradcam_maps", ["gradcam_detections", 8, 8]],
  ]);
  const sample = { data: Float32Array.from(pixels, (p) => p / 255), dims: [3, 64, 64] };
  const [was, is] = [await load(source, { task: "detection", labels }), await load(out)];
  const [before, after] = [await was.explain(sample as never), await is.explain(sample as never)];
  expect(is.reading.task).toBe("detection");
  expect(after.detections?.length).toBeGreaterThan(2);
  expect(after.detections).toEqual(before.detections);
  await Promise.all([was.release(), is.release()]);
  await expectUserError(compileFile(out, { out: `${out}.again` }), "invalid-model", "compiled already");
  const required = compileFile(source, { task: "detection", classInput: "required", out });
  await expectUserError(required, "invalid-option", "asked for no class");
});

describe("refused in one line", () => {
  test("a method of many runs, and one at the pixels", async () => {
    const { explainer, finder } = await opened("yolov8", "model.onnx");
    for (const method of ["occlusion", "gradient"] as const)
      expect(() => compileDetector(explainer, finder.head, finder.levels, { method })).toThrow(/hires-cam/);
    await explainer.release();
  });
  test("a head that no graph reads, with the reason", async () => {
    const { explainer, finder } = await opened("yolov8", "model.onnx");
    const { layout: _, ...told } = finder.head;
    const head = { ...told, uncompiled: "each level has its boxes in an output of its own" };
    expect(() => compileDetector(explainer, head, finder.levels)).toThrow(
      /^invalid model: [^\n]*cannot be compiled: each level has its boxes in an output of its own; gradcam explain and serve take it$/,
    );
    await explainer.release();
  });
});
