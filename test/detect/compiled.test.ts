/** @file Compiled detectors: what one run of the file finds and shows is what is found and explained without it. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { openSession, type Runtime, run } from "../../src/onnx/runtime.ts";
import { compileDetector } from "../../src/tasks/detect/compile-detector.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const folder = fileURLToPath(new URL("references", import.meta.url));
const runtime = ort as unknown as Runtime;
const pixels = numbersOf(readNpy(path.join(folder, "picture.npy")));
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

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
  return { explainer, head: found.head, feeds, input };
}

const cases = names.flatMap((name) => caseOf(name).models.map(({ file }) => [name, file] as const));

describe.each(cases)("%s, %s", (name, file) => {
  test.each([
    ["hires-cam", 0.25],
    ["layer-cam", 0.01],
  ] as const)("%s above %d", async (method, score) => {
    const { explainer, head, feeds, input } = await opened(name, file);
    const finder = new Finder(runtime, explainer, head);
    const found = await finder.find(feeds, input, { score, maxDetections: 16 });
    const bytes = compileDetector(explainer, head, finder.levels, { method, score });
    const session = await openSession(runtime, bytes, {});
    const results = await run(session, feeds);
    await session.release();
    const count = found.candidates.length;
    expect(count).toBeGreaterThan(0);
    const values = (of: string) => Array.from(results[`gradcam_${of}`]?.data as ArrayLike<number | bigint>, Number);
    expect(results.gradcam_boxes?.dims).toEqual([count, 4]);
    expect(values("labels")).toEqual(found.candidates.map((one) => one.class));
    const close = (got: readonly number[], wanted: readonly number[], tolerance: number) => {
      expect(got.length).toBe(wanted.length);
      const worst = got.reduce((most, v, i) => Math.max(most, Math.abs(v - (wanted[i] as number))), 0);
      expect(worst).toBeLessThanOrEqual(tolerance);
    };
    close(values("scores"), found.candidates.map((one) => one.score), 1e-5);
    close(values("boxes"), found.candidates.flatMap(({ box }) => [...box]), 1e-2);
    const [, rows = 0, columns = 0] = results.gradcam_maps?.dims ?? [];
    const maps = values("maps");
    const asked = found.candidates.map((one) => found.score(one));
    const answers = await found.pass.explain(asked, { method });
    const levels = JSON.parse(
      (await import("../../src/explain/compiled.ts")).notesOf((await import("../../src/onnx/model.ts")).readModel(bytes))
        ?.levels ?? "[]",
    );
    answers.forEach(({ map, layer }, i) => {
      const [height = 0, width = 0] = map.dims;
      expect(levels[values("levels")[i] as number].layer).toBe(layer);
      const own = maps.slice(i * rows * columns, (i + 1) * rows * columns);
      const wanted = own.map((_, at) => {
        const [y, x] = [Math.floor(at / columns), at % columns];
        return map.data[Math.floor((y * height) / rows) * width + Math.floor((x * width) / columns)] as number;
      });
      close(own, wanted, 1e-4 * Math.max(...wanted.map(Math.abs), 1e-6));
    });
    await explainer.release();
  });
});
