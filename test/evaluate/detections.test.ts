/** @file Evaluation of a detector: its boxes against the objects of scenes, the figures of their maps, and the control beside them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { control, type DetectionRecord } from "../../src/evaluate/detections/examine.ts";
import { differencesOf, figuresOf } from "../../src/evaluate/detections/figures.ts";
import { faithful, gaussianOn, maskFirst, matched, placed, survivor } from "../../src/evaluate/detections/measures.ts";
import type { Annotation } from "../../src/evaluate/metrics/metric.ts";
import type { Box } from "../../src/image/locate.ts";
import type { Candidate } from "../../src/tasks/detect/head.ts";
import { expectMistake } from "../cli/mistake.ts";
import { folder, gradcam } from "../cli/run.ts";

const thing = (box: Box, c = 0): Annotation => ({
  ...{ name: String(c), classes: [c], box },
  ...{ difficult: false, crowd: false },
});
const detection = (index: number, box: Box, score: number, c = 0) => ({
  ...{ index, class: c, label: String(c), score, box },
});

describe("what was found", () => {
  const [left, right]: Box[] = [
    [0, 0, 10, 10],
    [20, 0, 30, 10],
  ];
  test("is of the object's class and overlaps with it by more than a half; each object once, by its best", () => {
    const objects = [thing(left), thing(right)];
    const found = matched(
      [
        detection(0, [20, 0, 30, 10], 0.9, 1), // another class
        detection(1, [0, 0, 10, 9], 0.8),
        detection(2, [0, 0, 10, 10], 0.7), // the second of one object
        detection(3, [20, 0, 30, 5], 0.6), // a half, and not more
      ],
      objects,
    );
    expect(found.map(({ detection: { index }, object }) => [index, object])).toEqual([[1, 0]]);
  });
  test("is left of a detection by the best box of its class on its place", () => {
    const candidate = (box: Box, score: number, c = 0): Candidate => ({
      ...{ class: c, score, box, at: { tensor: "y", index: [0] } },
      edge: { left: [], top: [], right: [], bottom: [] },
    });
    const others = [candidate(left, 0.3), candidate([0, 0, 10, 8], 0.4), candidate(left, 0.9, 1), candidate(right, 1)];
    expect(survivor(candidate(left, 0.8), others)).toBe(0.4);
    expect(survivor(candidate(left, 0.8), [])).toBe(0);
  });
});

test("where a map lies: its peak, its energy on the object, and of that on objects the part on others", () => {
  const objects = [thing([0, 0, 2, 2]), thing([4, 0, 6, 2])];
  const map = { width: 6, height: 2, data: Float32Array.of(5, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, -4) };
  expect(placed(map, objects, 0)).toEqual({ pointing: 1, energy: 5 / 9, odi: 2 / 7 });
  expect(placed(map, objects, 1)).toEqual({ pointing: 0, energy: 2 / 9, odi: 5 / 7 });
  expect(placed(map, objects.slice(0, 1), 0)).toEqual({ pointing: 1, energy: 5 / 9 });
});

test("deletion and insertion go as far as the box has pixels, in the map's order", async () => {
  // One channel of 10 x 10; the score is the part of the upper left quarter that is still 1.
  const quarter = (i: number) => i % 10 < 5 && i < 50;
  const data = Float32Array.from({ length: 100 }, (_, i) => (quarter(i) ? 1 : 0));
  const input = { data, dims: [1, 10, 10] };
  const seen: number[][] = [];
  const score = ({ data: all, dims: [count = 0] }: { readonly data: Float32Array; readonly dims: readonly number[] }) =>
    Array.from({ length: count }, (_, v) => {
      const own = [...all.subarray(v * 100, (v + 1) * 100)];
      seen.push(own);
      return own.filter((value, i) => quarter(i) && value === 1).length / 25;
    });
  const on = Float32Array.from({ length: 100 }, (_, i) => (quarter(i) ? 1 : 0.1));
  const right = await faithful(on, [0, 0, 5, 5], input, score);
  // 25 pixels in 10 steps, to whole pixels: from 1 to 0, and from 0 to 1.
  expect(right.deletion).toBeCloseTo(0.5, 1);
  expect(right.insertion).toBeCloseTo(0.5, 1);
  expect(seen[10]?.every((v) => v === 0)).toBe(true);
  const wrong = await faithful(
    on.map((v) => 2 - v),
    [0, 0, 5, 5],
    input,
    score,
  );
  expect(wrong.deletion).toBe(1);
  expect(wrong.insertion).toBe(0);
  expect(await faithful(new Float32Array(100), [0, 0, 5, 5], input, score)).toEqual({});
});

test("the control is largest in the middle of the box, the object itself on its pixels", () => {
  const box: Box = [2, 4, 6, 8];
  const gauss = gaussianOn(box, 10, 10);
  const at = (map: Float32Array, x: number, y: number) => map[y * 10 + x] ?? 0;
  expect(at(gauss, 3, 5)).toBeCloseTo(at(gauss, 4, 6), 6);
  expect(Math.max(...gauss)).toBeCloseTo(Math.exp(-0.25), 6); // an eighth of each side from the middle
  const mask = { width: 5, height: 5, data: new Uint8Array(25) };
  mask.data[4 * 5 + 4] = 1; // pixels 8 and 9 of each axis, at half the size
  const geometry = { scaleX: 0.5, scaleY: 0.5, left: 0, top: 0 };
  const [input, original] = [
    { width: 10, height: 10 },
    { width: 5, height: 5 },
  ];
  const first = maskFirst(mask, box, { ...geometry, input, original });
  expect([...first.keys()].filter((i) => (first[i] ?? 0) >= 1)).toEqual([88, 89, 98, 99]);
});

test("figures are means over detections, differences are of the same detections", () => {
  const record = (picture: string, way: string, detection: number, deletion: number): DetectionRecord => ({
    ...{ picture, way, detection, class: 0, label: "0", blank: false, values: { deletion } },
  });
  const records = [
    ...[record("a", "m", 0, 0.1), record("a", "m", 1, 0.3), record("b", "m", 0, 0.5), record("c", "m", 0, 0.9)],
    ...[record("a", control, 1, 0.2), record("a", control, 0, 0.2), record("b", control, 0, 0.1)],
  ];
  const [mean] = figuresOf(records);
  expect(mean).toMatchObject({ way: "m", figure: "deletion", count: 3 });
  expect(mean?.value).toBeCloseTo(0.45, 12);
  const [difference, ...others] = differencesOf(records);
  expect(others).toEqual([]);
  expect(difference).toMatchObject({ way: "m", than: control, figure: "deletion", count: 2 });
  expect(difference?.value).toBeCloseTo((-0.1 + 0.1 + 0.4) / 3, 12);
});

const model = fileURLToPath(new URL("../../models/scenes-detector", import.meta.url));
const command = (...more: string[]) => ["evaluate", "scenes:2", "--model", model, "--out", "out", ...more];

test("gradcam evaluate takes a detector, and the control stands beside the methods", { timeout: 150_000 }, async () => {
  const cwd = folder();
  const metrics = "pointing-game,energy-pointing-game,deletion,insertion";
  const ran = await gradcam(command("--method", "hires-cam,grad-cam", "--metric", metrics, "--workers", "1"), cwd);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const { examined, methods, figures, differences, outcomes } = JSON.parse(
    readFileSync(path.join(cwd, "out/figures.json"), "utf8"),
  );
  expect(examined).toBe(2);
  expect(methods).toEqual(["hires-cam", "grad-cam", control]);
  const value = (metric: string, method: string) =>
    figures.find((one: { metric: string; method: string }) => one.metric === metric && one.method === method)?.value;
  expect(value("pointing-game", "hires-cam")).toBe(1);
  expect(value("pointing-game", control)).toBe(1);
  expect(value("energy-pointing-game", "hires-cam")).toBeGreaterThan(value("energy-pointing-game", "grad-cam"));
  for (const metric of ["deletion", "insertion"]) expect(value(metric, control)).toBeGreaterThan(0);
  // No box is a small thing among others, and there is no figure of none.
  expect(figures.map((one: { figure: string }) => one.figure)).not.toContain("difficult");
  expect(differences.some(({ than }: { than: string }) => than === control)).toBe(true);
  expect(outcomes.every(({ asked, broken }: { asked: number; broken: number }) => asked > 0 && broken === 0)).toBe(
    true,
  );
});

test("metrics that are not of boxes are refused, in one line", async () => {
  const cwd = folder();
  expectMistake(
    await gradcam(command("--metric", "road"), cwd),
    cwd,
    "invalid metric for a detector: road; allowed are pointing-game, energy-pointing-game, deletion, insertion",
  );
});

test("adversarial images are for classifiers", async () => {
  const cwd = folder();
  expectMistake(
    await gradcam(command("--adversarial"), cwd),
    cwd,
    "a classifier is asked for, and this is a detection model",
  );
});
