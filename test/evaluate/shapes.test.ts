/** @file Masks against pycocotools (goldens.json), and polygons by hand. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromPolygons, fromRuns } from "../../src/evaluate/shapes.ts";

const { masks } = JSON.parse(readFileSync(new URL("./goldens.json", import.meta.url), "utf8"));

test("compressed run lengths are pycocotools'", () => {
  const found = fromRuns({ counts: masks.compressed, size: masks.size }, { width: 11, height: 9 });
  expect([...found.data]).toEqual(masks.mask);
});

test("run lengths go down the columns", () => {
  const found = fromRuns({ counts: [1, 2, 3], size: [3, 2] }, { width: 2, height: 3 });
  expect([...found.data]).toEqual([0, 0, 1, 0, 1, 0]);
});

test.each([
  [{ counts: [1, 2], size: [3, 2] as const }, "invalid run lengths: they fill 3 pixels, expected 6"],
  [{ counts: [6], size: [2, 3] as const }, "invalid run lengths: for 3 x 2 pixels, the picture has 2 x 3"],
  [{ counts: "\u0001", size: [3, 2] as const }, "invalid run lengths: not COCO's compressed form"],
])("run lengths that do not fit are refused", (runs, message) => {
  expect(() => fromRuns(runs, { width: 2, height: 3 })).toThrow(message);
});

test("a polygon holds the pixels whose centres it holds", () => {
  const found = fromPolygons([[1, 1, 4, 1, 4, 3, 1, 3]], { width: 5, height: 4 });
  expect([...found.data]).toEqual([..."00000", ..."01110", ..."01110", ..."00000"].map(Number));
});

test("a polygon beyond the border is cut, several are joined, holes are even-odd", () => {
  const size = { width: 4, height: 2 };
  expect([...fromPolygons([[-5, -5, 2, -5, 2, 9, -5, 9]], size).data]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
  const both = fromPolygons(
    [
      [0, 0, 1, 0, 1, 2, 0, 2],
      [3, 0, 4, 0, 4, 1, 3, 1],
    ],
    size,
  );
  expect([...both.data]).toEqual([1, 0, 0, 1, 1, 0, 0, 0]);
});

test("a polygon of two points is refused", () => {
  expect(() => fromPolygons([[1, 1, 2, 2]], { width: 4, height: 4 })).toThrow("invalid polygon: 4 numbers");
});
