/** @file D-RISE against NumPy and PyTorch on the same masks (make_d_rise.py), and what it does with its time. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { drawnMask } from "../../src/methods/d-rise.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import type { Candidate } from "../../src/tasks/detect/head.ts";
import { similarity } from "../../src/tasks/detect/likeness.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const expected: {
  readonly every: number;
  readonly masks: readonly { readonly cells: string; readonly from: readonly number[] }[];
  readonly maps: Readonly<Record<string, readonly (readonly number[])[]>>;
} = JSON.parse(readFileSync(path.join(here, "d-rise.json"), "utf8"));

/** With so few masks as were worked out. */
const few = { method: "d-rise", options: { samples: expected.masks.length } } as const;

async function found(name: string) {
  const folder = path.join(here, "references", name);
  const { picture, names } = JSON.parse(readFileSync(path.join(folder, "case.json"), "utf8"));
  const runtime = ort as unknown as Runtime;
  const explainer = await openExplainer(runtime, new Uint8Array(readFileSync(path.join(folder, "model.onnx"))));
  const input = { width: 64, height: 64 };
  const { model, sized } = explainer;
  const head = recogniseHead({ model, tensors: sized, input, labels: names, config: undefined })?.head;
  if (!head) throw new Error("not recognised");
  const pixels = numbersOf(readNpy(path.join(here, "references/picture.npy")));
  const data = Float32Array.from(pixels, (v) => v * picture.scale);
  const feeds = { [picture.input]: new ort.Tensor("float32", data, [1, 3, 64, 64]) };
  const result = await new Finder(runtime, explainer, head).find(feeds, input, {});
  return { result, [Symbol.asyncDispose]: () => explainer.release() };
}

test("masks are those that were worked out", () => {
  const drawn = expected.masks.map((_, i) => drawnMask(0, i, 64, 64));
  expect(drawn.map(({ grid, from }) => ({ cells: grid.join(""), from }))).toEqual(expected.masks);
});

describe.each(Object.entries(expected.maps))("%s", (name, wanted) => {
  test("maps are NumPy's, of boxes of all levels by the same runs", async () => {
    await using of = await found(name);
    const { result } = of;
    const questions = result.candidates.slice(0, wanted.length).map((one) => result.score(one));
    const told: number[] = [];
    const answers = await result.pass.explain(questions, { ...few, onProgress: (done) => told.push(done) });
    answers.forEach(({ map }, k) => {
      expect(map.dims).toEqual([64, 64]);
      const rows = wanted[k] ?? [];
      const most = Math.max(...rows);
      const worst = rows.reduce((a, v, i) => Math.max(a, Math.abs(v - (map.data[i * expected.every] ?? 0))), 0);
      expect(worst / most).toBeLessThan(1e-4);
    });
    expect(told.at(-1)).toBe(1);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.length).toBe(Math.ceil(expected.masks.length / 8) + 2);
  });
});

test("it ends between two runs when it is cancelled", async () => {
  await using of = await found("yolov8");
  const { result } = of;
  const [best] = result.candidates;
  if (!best) throw new Error("nothing found");
  const cancelling = new AbortController();
  const told: number[] = [];
  const work = result.pass.explain([result.score(best)], {
    method: "d-rise",
    signal: cancelling.signal,
    onProgress(done) {
      told.push(done);
      if (told.length === 3) cancelling.abort();
    },
  });
  await expect(work).rejects.toThrow();
  expect(told.length).toBe(3);
});

test("it explains boxes alone, and says so in one line", async () => {
  await using of = await found("yolov8");
  const { result } = of;
  const [best] = result.candidates;
  if (!best) throw new Error("nothing found");
  const edge = result.sum(best.edge.left, best);
  for (const questions of [[edge], [result.score(best), edge]])
    await expect(result.pass.explain(questions, { method: "d-rise" })).rejects.toThrow(
      /^invalid method: d-rise [^\n]*$/,
    );
});

describe("how alike two boxes are", () => {
  const box = (given: Partial<Candidate>): Candidate => ({
    ...{ class: 0, score: 0.5, box: [0, 0, 10, 10], at: { tensor: "y", index: [0] } },
    edge: { left: [], top: [], right: [], bottom: [] },
    ...given,
  });
  const scores = (...all: number[]) => ({ classes: () => all });
  test.each<[string, Partial<Candidate>, Partial<Candidate>, number]>([
    ["overlap times cosine times score", scores(0.6, 0.8), { ...scores(0.3, 0.4), box: [5, 0, 15, 10] }, 0.5 / 3],
    ["objectness in place of the score", scores(1, 0), { ...scores(1, 0), presence: 0.25 }, 0.25],
    ["one class a box: the same", {}, { score: 0.75 }, 0.75],
    ["one class a box: another", {}, { class: 1 }, 0],
    ["boxes apart", {}, { box: [20, 20, 30, 30] }, 0],
    ["scores that are all 0", scores(0, 0), scores(0, 0), 0],
    ["a box that is no number", {}, { box: [Number.NaN, 0, 10, 10] }, 0],
    ["a score that is no number", scores(1, 0), scores(Number.NaN, 0), 0],
  ])("%s", (_, target, other, value) => expect(similarity(box(target), box(other))).toBeCloseTo(value, 6));
});
