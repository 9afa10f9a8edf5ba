/** @file RISE and edges, worked out on paper, and what masks are. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import type { GivenOptions } from "../../src/index.ts";
import type { MethodOptions } from "../../src/methods/method.ts";
import { masksOf } from "../../src/methods/random-masks.ts";
import { edgesOf } from "../../src/methods/sobel.ts";
import { ask, numbers, rows } from "../explain/ask.ts";
import { floats, model, node } from "../models.ts";
import { images, vgg } from "../nets.ts";
import { weighted } from "./nets.ts";

const line = (values: readonly number[]) => ({
  x: new ort.Tensor("float32", Float32Array.from(values), [1, 1, values.length]),
});
const told = (options: Partial<MethodOptions>) => options as MethodOptions;

test("rise: a score that no mask changes gives 0 everywhere", async () => {
  const constant = model({
    opset: 13,
    free: ["x"],
    inputs: { x: [1, 1, 8], w: floats(Array(8).fill(0), [8, 1]), b: floats([5]) },
    nodes: [node("Flatten", "x", "flat"), node("Gemm", "flat w b", "y")],
  });
  const { maps } = await ask(constant, line([1, 2, 3, 4, 5, 6, 7, 8]), { method: "rise", options: { samples: 50 } });
  for (const value of numbers(maps)) expect(value).toBeCloseTo(0, 5);
});

test("rise: y = x0 on a line of 2 cells: M0 at the first place, and half as much where the other mask is free", async () => {
  // A mask shows places 0 .. 3 by its cells as they lie; the mean of M0 over the masks that show place p is sum M0 Mp / sum Mp; less that over all masks.
  const options: GivenOptions = { samples: 30, cells: 2, seed: 9 };
  const draw = masksOf([8], told({ cells: 2, shown: 0.5, seed: 9 }));
  const masks = Array.from({ length: 30 }, draw);
  const expected = Array.from({ length: 8 }, (_, p) => {
    const shown = masks.reduce((sum, mask) => sum + mask[p], 0);
    const mean = masks.reduce((sum, mask) => sum + 2 * mask[0], 0) / 30;
    return masks.reduce((sum, mask) => sum + 2 * mask[0] * mask[p], 0) / shown - mean;
  });
  const { maps } = await ask(weighted([1, 0, 0, 0, 0, 0, 0, 0], [1, 8]), line([2, 1, 1, 1, 1, 1, 1, 1]), {
    method: "rise",
    options,
  });
  numbers(maps).forEach((value, p) => {
    expect(value).toBeCloseTo(expected[p] ?? Number.NaN, 5);
  });
  expect(Math.max(...numbers(maps))).toBe(numbers(maps)[0]);
});

test("edges of a ramp: 1 + 2 + 1 times the rise over two columns, over one at the border; the network is another for nobody", async () => {
  const x = new ort.Tensor("float32", Float32Array.of(0, 1, 2, 0, 1, 2, 0, 1, 2), [1, 1, 3, 3]);
  const { maps } = await ask(weighted(Array(9).fill(1), [1, 3, 3]), { x }, { method: "edges", target: 0 });
  expect(numbers(maps)).toEqual([4, 8, 4, 4, 8, 4, 4, 8, 4]);
});

test("masks: from 0 to 1, as many shown as were asked for, shifted, the same by the same seed; of lines and volumes too", () => {
  for (const grid of [[40], [21, 30], [6, 10, 12]])
    for (const shown of [0.25, 0.5]) {
      const options = told({ cells: 4, shown, seed: 2 });
      const [draw, again] = [masksOf(grid, options), masksOf(grid, options)];
      const masks = Array.from({ length: 300 }, draw);
      expect(again()).toEqual(masks[0]);
      const places = grid.reduce((a, b) => a * b, 1);
      for (const mask of masks) {
        expect(mask.length).toBe(places);
        expect(Math.min(...mask)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...mask)).toBeLessThanOrEqual(1);
      }
      for (const p of [0, places >> 1, places - 1])
        expect(Math.abs(masks.reduce((sum, mask) => sum + mask[p], 0) / 300 - shown)).toBeLessThan(0.12);
      expect(new Set(masks.map(String)).size).toBeGreaterThan(4);
    }
});

test("rise: what is said of a picture does not depend on the batch, and every class has its own", async () => {
  const options = { samples: 60 };
  const both = rows((await ask(vgg(), images(2), { method: "rise", target: { each: [0, 3] }, options })).maps);
  const x = images(2).x as ort.Tensor;
  const second = { x: new ort.Tensor("float32", (x.data as Float32Array).slice(192), [1, 3, 8, 8]) };
  const alone = numbers(
    (await ask(vgg(), second, { method: "rise", target: 3, options: { ...options, batch: 7 } })).maps,
  );
  alone.forEach((value, p) => {
    expect(value).toBeCloseTo(both[3]?.[p] ?? Number.NaN, 4);
  });
  expect(both[2]).not.toEqual(both[3]);
});

test("edges: a step of 1 down the picture, seen from both sides of it; the same for all targets", () => {
  const image = { data: Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1), dims: [1, 1, 3, 3] };
  const { maps } = edgesOf({ image, k: 2 });
  expect(maps.dims).toEqual([2, 3, 3]);
  expect([...maps.data]).toEqual([0, 4, 4, 0, 4, 4, 0, 4, 4, 0, 4, 4, 0, 4, 4, 0, 4, 4]);
});

test("edges: of a signal the slope, of a volume along all three axes, of several channels their mean", () => {
  const slope = edgesOf({ image: { data: Float32Array.of(0, 1, 3, 3), dims: [1, 1, 4] }, k: 1 });
  expect([...slope.maps.data]).toEqual([1, 3, 2, 0]);
  const corner = { data: Float32Array.of(0, 0, 0, 0, 0, 0, 0, 8, ...Array(8).fill(0)), dims: [1, 2, 2, 2, 2] };
  // The mean is 4 at one corner. Towards it along each axis: the difference there is 4 (3 of 4 along each other axis, where the border goes on).
  expect(edgesOf({ image: corner, k: 1 }).maps.data[7]).toBeCloseTo(Math.sqrt(3) * 4 * 3 * 3, 4);
});
