/** @file Methods that hide parts of a picture, and XRAI, asked about boxes, masks, pixels and similarities. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { load } from "../../src/node/load.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { quickly } from "../class-methods.ts";
import { folder } from "../cli/run.ts";
import { coloured } from "../segment/coloured.ts";

const names: readonly MethodName[] = [
  ...(["lime", "kernel-shap", "sobol", "hsic", "extremal-perturbation", "minimal-sufficient", "xrai"] as const),
];
const references = fileURLToPath(new URL("../detect/references", import.meta.url));

async function boxesOf(name: string) {
  const at = path.join(references, name);
  const { picture, names: labels } = JSON.parse(readFileSync(path.join(at, "case.json"), "utf8"));
  const runtime = ort as unknown as Runtime;
  const explainer = await openExplainer(runtime, new Uint8Array(readFileSync(path.join(at, "model.onnx"))));
  const input = { width: 64, height: 64 };
  const { model, sized } = explainer;
  const head = recogniseHead({ model, tensors: sized, input, labels, config: undefined })?.head;
  if (!head) throw new Error("not recognised");
  const pixels = numbersOf(readNpy(path.join(references, "picture.npy")));
  const data = Float32Array.from(pixels, (v) => v * picture.scale);
  const feeds = { [picture.input]: new ort.Tensor("float32", data, [1, 3, 64, 64]) };
  const result = await new Finder(runtime, explainer, head).find(feeds, input, {});
  return { result, [Symbol.asyncDispose]: () => explainer.release() };
}

/** With suppression in the graph, and without. */
test.each(["nms", "yolov8"])("boxes of %s", { timeout: 120_000 }, async (name) => {
  await using of = await boxesOf(name);
  const { result } = of;
  const two = result.candidates.slice(0, 2);
  for (const method of names) {
    const questions = two.map((one) => result.score(one));
    const answers = await result.pass.explain(questions, { method, ...quickly(method) });
    expect(answers.length).toBe(two.length);
    for (const { map } of answers) {
      expect(map.dims, method).toEqual([64, 64]);
      expect(map.data.every(Number.isFinite), method).toBe(true);
    }
    const [one] = await result.pass.explain(questions.slice(1), { method, ...quickly(method) });
    const most = Math.max(...(one?.map.data ?? []).map(Math.abs)) || 1;
    const worst = Math.max(...(one?.map.data ?? []).map((v, p) => Math.abs(v - (answers[1]?.map.data[p] ?? 0))));
    expect(worst / most, `${method} does not depend on what else is asked`).toBeLessThan(1e-3);
  }
});

test("a segmenter's masks and pixels: the part that has the colour, and nothing for one that has not", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "net.onnx"), coloured());
  const model = await load(path.join(cwd, "net.onnx"), { mean: 0, std: 1, labels: ["red", "green", "blue"] });
  const data = Uint8Array.from({ length: 192 }, (_, i) => ((Math.floor(i / 3) % 8 < 4 ? 0 : 1) === i % 3 ? 255 : 0));
  for (const method of names.filter((one) => one !== "extremal-perturbation")) {
    const options = { ...quickly(method).options, ...(method === "minimal-sufficient" && { keep: 1 }) };
    const why = await model.explain(
      { width: 8, height: 8, data },
      { targets: ["mask:red", "pixel:1,1"], method, options },
    );
    const [mask, pixel] = why.explanations.map(({ map }) => [...map.data]);
    // The logit of red is made of red alone: what is right of it has no part, and the pixel's only its own cell.
    const halves = (map: readonly number[] = []) =>
      [true, false].map((left) => map.reduce((sum, v, p) => (p % 8 < 4 === left ? sum + Math.abs(v) : sum), 0));
    const [left = 0, right = 0] = halves(mask);
    expect(left, method).toBeGreaterThan(2 * right);
    expect(Math.abs(pixel?.[9] ?? 0), method).toBe(Math.max(...(pixel ?? []).map(Math.abs)));
  }
  await model.release();
});
