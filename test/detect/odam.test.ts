/** @file ODAM of two boxes of a reference detector, against its formula on the layer's own activations and gradients. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { byImage, flatGrid, layerMethod } from "../../src/methods/layer-map.ts";
import { load } from "../../src/node/load.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const folder = fileURLToPath(new URL("references", import.meta.url));

/** The gradients of one channel, as a map. */
const gradientOf = (channel: number) =>
  layerMethod(
    (parts) => {
      const { build, da } = parts;
      const rows = byImage(parts, da, [build.dimOf(flatGrid(parts), 2)]);
      return { ...build.squeeze(build.slice(rows, 2, channel, channel + 1), [2]), dims: undefined };
    },
    { name: `gradient-${channel}`, title: "", summary: "", paper: "" },
  );

test("sums channels, each times its gradient smoothed by a Gaussian of one cell", async () => {
  const runtime = ort as unknown as Runtime;
  const bytes = new Uint8Array(readFileSync(path.join(folder, "yolov8/model.onnx")));
  await using explainer = await openExplainer(runtime, bytes);
  const { model, sized } = explainer;
  const input = { width: 64, height: 64 };
  const labels = ["cat", "dog", "cup"];
  const head = recogniseHead({ model, tensors: sized, input, labels, config: undefined })?.head;
  if (!head) throw new Error("not recognised");
  const data = Float32Array.from(numbersOf(readNpy(path.join(folder, "picture.npy"))), (v) => v / 255);
  const feeds = { images: new ort.Tensor("float32", data, [1, 3, 64, 64]) };
  const found = await new Finder(runtime, explainer, head).find(feeds, input, {});
  // Two boxes of the finest level that has two.
  const questions = found.candidates.map((one) => found.score(one));
  const layer = questions.map((one) => one.layer).find((name, i, all) => all.indexOf(name) < i);
  const asked = questions.filter((one) => one.layer === layer).slice(0, 2);
  expect(asked.length).toBe(2);
  const [channels = 0] = found.pass.tensor(layer ?? "").dims.slice(1);
  const maps = await found.pass.explain(asked, { method: "odam" });
  const [height = 0, width = 0] = maps[0]?.map.dims ?? [];
  const expected = asked.map(() => new Float64Array(height * width));
  const tap = [1, Math.exp(-0.5), Math.exp(-2)];
  const total = (1 + 2 * Math.exp(-0.5) + 2 * Math.exp(-2)) ** 2;
  const activations = found.pass.tensor(layer ?? "").data as Float32Array;
  for (let c = 0; c < channels; c++) {
    const rows = await found.pass.explain(asked, { method: gradientOf(c) });
    rows.forEach(({ map: { data: g } }, q) => {
      for (let at = 0; at < height * width; at++) {
        let weight = 0;
        for (let other = 0; other < height * width; other++) {
          const down = Math.abs(Math.floor(at / width) - Math.floor(other / width));
          const across = Math.abs((at % width) - (other % width));
          weight += ((tap[down] ?? 0) * (tap[across] ?? 0) * (g[other] ?? 0)) / total;
        }
        const sum = expected[q] as Float64Array;
        sum[at] = (sum[at] ?? 0) + weight * (activations[c * height * width + at] ?? 0);
      }
    });
  }
  maps.forEach(({ map }, q) => {
    const wanted = Array.from(expected[q] ?? [], (v) => Math.max(0, v));
    const most = Math.max(...wanted);
    expect(most).toBeGreaterThan(0);
    expect(Math.max(...wanted.map((v, i) => Math.abs(v - (map.data[i] ?? 0)))) / most).toBeLessThan(1e-4);
  });
});

describe("of all attributes", () => {
  const file = path.join(folder, "yolov8/model.onnx");
  const data = Float32Array.from(numbersOf(readNpy(path.join(folder, "picture.npy"))), (v) => v / 255);
  const sample = { data, dims: [1, 3, 64, 64] };

  test("the largest of the score's map and of each edge's, each divided by its maximum", async () => {
    const model = await load(file);
    const targets = ["box:0", "box:0.left", "box:0.top", "box:0.right", "box:0.bottom"];
    const parts = await model.explain(sample, { targets, method: "odam" });
    const whole = await model.explain(sample, { targets: ["box:0"], method: "odam", options: { attributes: "all" } });
    await model.release();
    const maps = parts.explanations.map(({ map }) => Array.from(map.data, (v) => v / (Math.max(...map.data) || 1)));
    const [{ map, target, layer } = parts.explanations[0]] = whole.explanations;
    expect([target, layer]).toEqual(["box:0", parts.explanations[0]?.layer]);
    map?.data.forEach((v, i) => {
      expect(v).toBeCloseTo(Math.max(...maps.map((one) => one[i] ?? 0)), 5);
    });
    // No one attribute has it all.
    for (const one of maps) expect(one.some((v, i) => v < (map?.data[i] ?? 0) - 1e-3)).toBe(true);
  });

  test("are refused of what is no single box", async () => {
    const model = await load(file);
    const odam = { method: "odam", options: { attributes: "all" } } as const;
    for (const target of ["not:box:0", "box:0.left", "box:0 ~ box:1", "class:2"])
      await expect(model.explain(sample, { targets: [target], ...odam })).rejects.toThrow(
        `the edges of one box, such as box:0; "${target}" is none`,
      );
    await model.release();
  });
});
