/** @file Compiled detectors whose heads are pairs of outputs or lists: what one run of the file finds and shows is what `explain` does. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { load } from "../../src/node/load.ts";
import { readModel } from "../../src/onnx/model.ts";
import { declaredDims } from "../../src/onnx/proto.ts";
import { openSession, type Runtime, run } from "../../src/onnx/runtime.ts";
import type { Detector } from "../../src/tasks/detect/detector.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const folder = fileURLToPath(new URL("references", import.meta.url));
const pixels = numbersOf(readNpy(path.join(folder, "picture.npy")));

test.each(["detr", "yolos", "rt-detr", "d-fine", "rf-detr", "rt-detr-authors", "ssd", "retinanet", "fcos"])(
  "%s",
  async (name) => {
    const directory = path.join(folder, name);
    const [file = ""] = readdirSync(directory).filter((one) => one.endsWith(".onnx"));
    const {
      names: labels,
      picture,
      feeds: fixed,
    } = JSON.parse(readFileSync(path.join(directory, "case.json"), "utf8"));
    const source = existsSync(path.join(directory, "config.json")) ? directory : path.join(directory, file);
    const model = await load(source, { task: "detection", ...(source === directory ? {} : { labels }) });
    const data = Float32Array.from(pixels, (p, i) => {
      const c = Math.floor(i / 4096);
      return (p * picture.scale - picture.mean[c]) / picture.std[c];
    });
    const dims = picture.batch ? [1, 3, 64, 64] : [3, 64, 64];
    const inputs = Object.fromEntries(
      Object.entries(fixed as Record<string, { data: number[]; shape: number[] }>).map(([of, one]) => [
        of,
        new ort.Tensor("int64", BigInt64Array.from(one.data, BigInt), one.shape),
      ]),
    );
    const why = await model.explain({ data, dims }, { inputs });
    const bytes = await (model.subject as Detector).compile();
    await model.release();
    const declared = readModel(bytes).graph.output.map((one) => [one.name, declaredDims(one)?.length]);
    const ranks = { boxes: 2, scores: 1, labels: 1, levels: 1, maps: 3 };
    for (const [of, rank] of Object.entries(ranks)) expect(declared).toContainEqual([`gradcam_${of}`, rank]);
    const session = await openSession(ort as unknown as Runtime, bytes, {});
    const results = await run(session, { [picture.input]: new ort.Tensor("float32", data, dims), ...inputs });
    await session.release();
    const values = (of: string) => Array.from(results[`gradcam_${of}`]?.data as ArrayLike<number | bigint>, Number);
    const found = (why.detections ?? []).slice(0, 16);
    expect(found.length).toBeGreaterThan(1);
    const near = (a: readonly number[], b: readonly number[], most: number) => {
      expect(a.length).toBe(b.length);
      expect(Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))))).toBeLessThan(most);
    };
    near(
      values("scores"),
      found.map(({ score }) => score),
      1e-4,
    );
    expect(values("labels")).toEqual(found.map((one) => one.class));
    near(
      values("boxes"),
      found.flatMap(({ box }) => [...box]),
      0.05,
    );
    const [, rows = 0, columns = 0] = results.gradcam_maps?.dims ?? [];
    const maps = values("maps");
    let shown = 0;
    for (const [i, { map }] of why.explanations.entries()) {
      const [height = 0, width = 0] = map.dims;
      const own = maps.slice(i * rows * columns, (i + 1) * rows * columns);
      const at = (k: number) =>
        Math.floor((Math.floor(k / columns) * height) / rows) * width + Math.floor(((k % columns) * width) / columns);
      const most = Math.max(...map.data);
      if (most > 0) shown++;
      near(
        own,
        own.map((_, k) => map.data[at(k)] as number),
        Math.max(1e-3 * most, 1e-6),
      );
    }
    expect(shown).toBeGreaterThan(0);
  },
);

test("scores of a size that only a run knows are refused", async () => {
  const { names: labels } = JSON.parse(readFileSync(path.join(folder, "faster-rcnn", "case.json"), "utf8"));
  const model = await load(path.join(folder, "faster-rcnn", "model.onnx"), { task: "detection", labels });
  await expect((model.subject as Detector).compile()).rejects.toThrow(
    /^invalid model: only a run knows how many scores "[^"]+" has, so it cannot be compiled; gradcam explain and serve take it$/,
  );
  await model.release();
});
