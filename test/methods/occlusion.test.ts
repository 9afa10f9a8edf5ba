/** @file Occlusion against a plain loop over patches, on a model whose score without any pixels is known. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { apart } from "../explain/ask.ts";
import { explained, weighted } from "./nets.ts";

const feeds = (values: Float32Array, dims: readonly number[]) => ({
  x: new ort.Tensor("float32", values, [1, ...dims]),
});

/** Patches of 32 in steps of 16, the last reaching the border; a pixel's value is the mean of the drops of those that hid it. */
function naive(drop: (pixels: readonly number[]) => number, height: number, width: number): number[] {
  const starts = (side: number) => {
    const found = [0];
    while (found.at(-1)! + 32 < side) found.push(found.at(-1)! + 16);
    return found;
  };
  const [sums, counts] = [Array<number>(height * width).fill(0), Array<number>(height * width).fill(0)];
  for (const y of starts(height))
    for (const x of starts(width)) {
      const pixels: number[] = [];
      for (let row = y; row < Math.min(y + 32, height); row++)
        for (let column = x; column < Math.min(x + 32, width); column++) pixels.push(row * width + column);
      const lost = drop(pixels);
      for (const p of pixels) {
        sums[p] += lost;
        counts[p]++;
      }
    }
  return sums.map((sum, p) => sum / counts[p]);
}

describe.each([
  [8, 8],
  [32, 32],
  [33, 48],
  [80, 65],
])("a picture of %d x %d", (height, width) => {
  const dims = [3, height, width];
  const size = 3 * height * width;
  const x = randomNormal(3)(size);

  test("a linear score drops by the hidden part of its sum", async () => {
    const w = randomNormal(4)(size);
    const part = (p: number) =>
      [0, 1, 2].reduce((sum, c) => sum + w[c * height * width + p] * x[c * height * width + p], 0);
    const expected = naive((pixels) => pixels.reduce((sum, p) => sum + part(p), 0), height, width);
    const { map } = await explained(weighted([...w], dims), feeds(x, dims), "occlusion", 0);
    expect(apart(map, expected)).toBeLessThan(1e-4);
  });

  test("a score that pixels do not reach stays", async () => {
    const { map } = await explained(weighted(Array(size).fill(0), dims), feeds(x, dims), "occlusion", 0);
    expect(map.every((v) => v === 0)).toBe(true);
  });
});

test("ones and weights of one: a pixel's value is the size of the patches that hid it", async () => {
  // 48 x 48 takes 2 x 2 whole patches of 32 x 32: each drops the score by 3 * 1024.
  const size = 3 * 48 * 48;
  const { map } = await explained(
    weighted(Array(size).fill(1), [3, 48, 48]),
    feeds(new Float32Array(size).fill(1), [3, 48, 48]),
    "occlusion",
    0,
  );
  expect(new Set(map)).toEqual(new Set([3072]));
});

test("against a class the signs turn; one class rather than another is the difference", async () => {
  const size = 3 * 40 * 40;
  const x = feeds(randomNormal(5)(size), [3, 40, 40]);
  const bytes = weighted([...randomNormal(6)(2 * size)], [3, 40, 40]);
  const of = async (target: Parameters<typeof explained>[3]) => (await explained(bytes, x, "occlusion", target)).map;
  const [zero, one] = [await of(0), await of(1)];
  expect(
    apart(
      await of({ counterfactual: 0 }),
      zero.map((v) => -v),
    ),
  ).toBeLessThan(1e-5);
  expect(
    apart(
      await of({ for: 0, against: 1 }),
      zero.map((v, i) => v - one[i]),
    ),
  ).toBeLessThan(1e-4);
});
