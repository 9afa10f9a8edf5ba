import { describe, expect, test } from "vitest";
import { box, peak } from "../../src/image/locate.ts";
import type { PixelMap } from "../../src/image/picture.ts";

/** A map drawn as text: a digit is its value, `-` is NaN. */
function drawn(...rows: string[]): PixelMap {
  const data = Float32Array.from(rows.join(""), (c) => (c === "-" ? Number.NaN : Number(c)));
  return { width: rows[0].length, height: rows.length, data };
}

const blank = [
  ["all 0", drawn("00", "00")],
  ["all NaN", drawn("--", "--")],
  ["below 0", { width: 2, height: 1, data: Float32Array.of(-1, -2) }],
  ["infinite", { width: 2, height: 1, data: Float32Array.of(Number.POSITIVE_INFINITY, Number.NaN) }],
] as const;

test.each(blank)("blank, %s: no peak and no box", (_, map) => {
  expect(peak(map)).toBeUndefined();
  expect(box(map)).toBeUndefined();
});

describe("peak", () => {
  test("is the first maximum, row by row", () => expect(peak(drawn("010", "909", "009"))).toEqual({ x: 0, y: 1 }));
  test("passes over NaN", () => expect(peak(drawn("-10", "-02"))).toEqual({ x: 2, y: 1 }));
});

describe("box", () => {
  test("spans the largest segment, not the one with the peak", () => {
    expect(box(drawn("90000", "00222", "00220"))).toEqual([2, 1, 5, 3]);
  });
  test("takes what is at the threshold", () => {
    expect(box(drawn("48", "30"), { threshold: 0.5 })).toEqual([0, 0, 2, 1]);
    expect(box(drawn("48", "30"), { threshold: 0.51 })).toEqual([1, 0, 2, 1]);
  });
  test("connects over corners, both ways", () => {
    expect(box(drawn("9000", "0900", "0000", "0009"))).toEqual([0, 0, 2, 2]);
    expect(box(drawn("0090", "0900", "0000", "9000"))).toEqual([1, 0, 3, 2]);
  });
  test("joins arms that meet below", () => {
    expect(box(drawn("90909", "90909", "99999", "00000", "99999"))).toEqual([0, 0, 5, 3]);
  });
  test("takes the first of equals", () => expect(box(drawn("00900", "90000", "90090"))).toEqual([0, 1, 1, 3]));
  test("of equals takes the one whose first pixel comes first", () => {
    expect(box(drawn("00009", "90009", "90000"))).toEqual([4, 0, 5, 2]);
  });
  test("does not reach over NaN", () => expect(box(drawn("99-9", "99-9"))).toEqual([0, 0, 2, 2]));
  test("is the whole map if all of it is equal", () => expect(box(drawn("111", "111"))).toEqual([0, 0, 3, 2]));

  test("agrees with a flood fill on noise", () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (let trial = 0; trial < 200; trial++) {
      const [width, height] = [1 + Math.floor(random() * 12), 1 + Math.floor(random() * 12)];
      const map = { width, height, data: Float32Array.from({ length: width * height }, random) };
      expect(box(map, { threshold: 0.6 })).toEqual(flooded(map, 0.6));
    }
  });
});

/** The same by the simplest means. */
function flooded({ width, height, data }: PixelMap, threshold: number): number[] {
  const level = threshold * Math.max(...data);
  const open = new Set([...data.keys()].filter((i) => data[i] >= level));
  let largest: number[] = [];
  while (open.size > 0) {
    const [first] = open;
    const segment = [first];
    open.delete(first);
    for (const i of segment)
      for (const [dx, dy] of [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((y) => [x, y]))) {
        const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
        if (x >= 0 && x < width && y >= 0 && y < height && open.delete(y * width + x)) segment.push(y * width + x);
      }
    if (segment.length > largest.length) largest = segment;
  }
  const xs = largest.map((i) => i % width);
  const ys = largest.map((i) => Math.floor(i / width));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}
