/** @file Boxes and scores as no detector should give them: explained or said so, in any case without a crash. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { encodePng } from "../../src/image/sharp.ts";
import { folder, within } from "../cli/run.ts";
import { floats, ints, model, node } from "../models.ts";
import { weights } from "../nets.ts";

const places = 64;

/**
 * A head [1, 4 + 2, 64] on a picture of 64 x 64: a box and two probabilities for each place, nearly those that are given.
 * @param boxes centres and sizes of the first places; the others have one in the middle
 * @param scores of the first class
 */
function detector(boxes: readonly (readonly number[])[], scores: readonly number[]): Uint8Array {
  const box = (i: number, place: number) => boxes[place]?.[i] ?? [16, 16, 8, 8][i] ?? 0;
  const numbers = [0, 1, 2, 3].flatMap((i) => Array.from({ length: places }, (_, place) => box(i, place)));
  const logits = Array.from({ length: places }, (_, place) => scores[place] ?? -9);
  return model({
    opset: 13,
    free: [],
    inputs: {
      x: [1, 3, 64, 64],
      w: weights([8, 3, 8, 8], 1),
      head: weights([6, 8, 1, 1], 2, 1e-3),
      flat: ints([1, 6, places]),
      given: floats([...numbers, ...logits, ...logits.map(() => -9)], [1, 6, places]),
      parts: ints([4, 2]),
    },
    nodes: [
      node("Conv", "x w", "conv", { kernel_shape: [8, 8], strides: [8, 8] }),
      node("Relu", "conv", "features"),
      node("Conv", "features head", "grid", { kernel_shape: [1, 1] }),
      node("Reshape", "grid flat", "rows"),
      node("Add", "rows given", "sums"),
      node("Split", "sums parts", "boxes logits", { axis: 1 }),
      node("Sigmoid", "logits", "scores"),
      node("Concat", "boxes scores", "output0", { axis: 1 }),
    ],
    outputs: ["output0"],
  });
}

async function found(boxes: readonly (readonly number[])[], scores: readonly number[], ...args: string[]) {
  const cwd = folder();
  writeFileSync(path.join(cwd, "net.onnx"), detector(boxes, scores));
  const data = Uint8Array.from({ length: 128 * 64 * 3 }, (_, i) => (i * 37) % 251);
  writeFileSync(path.join(cwd, "a.png"), await encodePng({ width: 128, height: 64, data }));
  const net = ["--model", "net.onnx", "--task", "detection", "--threads", "1"];
  const { code, stdout, stderr } = await within(["explain", "a.png", ...net, "--json", ...args], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

test("a box is in pixels of the picture, through the letterbox", async () => {
  const { detections, remark } = await found([[16, 16, 8, 8]], [3]);
  const [{ box, score }] = detections;
  expect(box.map((edge: number) => Math.round(edge))).toEqual([24, -8, 40, 8]);
  expect(score).toBeCloseTo(1 / (1 + Math.exp(-3)), 2);
  expect(remark).toBeUndefined();
});

test("boxes outside of the picture, in part or wholly, of no area and huge", async () => {
  const odd = [
    [0, 16, 20, 8],
    [-90, -90, 5, 5],
    [10, 10, 0, 9],
    [20, 20, 0, 0],
    [16, 16, -6, -6],
    [16, 16, 1e7, 1e7],
  ];
  const { detections, explanations, overlay } = await found(odd, [4, 3.5, 3, 2.5, 2, 1.5], "--iou", "1");
  expect(detections).toHaveLength(6);
  expect(explanations).toHaveLength(6);
  expect(overlay).toBe("a.detections.png");
  const [, , flat, point, inverted] = explanations;
  for (const one of [flat, point, inverted])
    expect(one.warnings).toContainEqual(expect.objectContaining({ code: "odd-box" }));
});

test("boxes that are not finite are left out and counted, and leave numbers right", async () => {
  const odd = [
    [Number.NaN, 16, 8, 8],
    [16, 16, Number.POSITIVE_INFINITY, 8],
    [16, 16, 8, 8],
  ];
  const { detections, explanations, remark } = await found(odd, [4, 3.5, 3]);
  expect(detections.map(({ index }: { index: number }) => index)).toEqual([0]);
  expect(explanations[0].target).toBe("box:0");
  expect(remark).toMatch(/^2 boxes above the score have no finite place and were left out\. 1 value of "output0"/);
});

test("a score that is not a number is no detection, and hides none", async () => {
  const { detections, remark } = await found(
    [
      [8, 8, 4, 4],
      [24, 24, 4, 4],
    ],
    [Number.NaN, 3],
  );
  expect(detections).toHaveLength(1);
  expect(remark).toBe('1 value of "output0" is not a number.');
});

test("no score is a number: nothing is found, and that is said", async () => {
  const { detections, remark } = await found([], Array(places).fill(Number.NaN));
  expect(detections).toEqual([]);
  expect(remark).toMatch(/^64 values of "output0" are not numbers. Nothing was found/);
});
