import { describe, expect, test } from "vitest";
import { box, boxes, peak } from "../../src/image/locate.ts";
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
  test("is the centre of the plateau of the maximum, corners connected", () => {
    expect(peak(drawn("010", "009", "090"))).toEqual({ x: 1.5, y: 1.5 });
    expect(peak(drawn("9900", "9900", "0000"))).toEqual({ x: 0.5, y: 0.5 });
  });
  test("of several plateaus is the largest's", () => expect(peak(drawn("90000", "00099"))).toEqual({ x: 3.5, y: 1 }));
  test("of equal plateaus is that of the one nearest to the middle", () =>
    expect(peak(drawn("90000", "00000", "00000", "00090"))).toEqual({ x: 3, y: 3 }));
  test("is between plateaus that nothing tells apart", () =>
    expect(peak(drawn("90009", "00000"))).toEqual({ x: 2, y: 0 }));
  test("takes what rounding set apart as one", () => {
    const data = Float32Array.of(1, 1 + 2 ** -23, 1, 0.9);
    expect(peak({ width: 4, height: 1, data })).toEqual({ x: 1, y: 0 });
  });
  test("passes over NaN", () => expect(peak(drawn("-10", "-02"))).toEqual({ x: 2, y: 1 }));
  test("by the published protocol is the first maximum, row by row", () =>
    expect(peak(drawn("010", "909", "009"), { rule: "first" })).toEqual({ x: 0, y: 1 }));
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
  test("of equals takes the one with more in it, then the one nearest to the middle", () => {
    expect(box(drawn("00009", "80009", "80000"))).toEqual([4, 0, 5, 2]);
    expect(box(drawn("0000000", "9000900", "9000900"))).toEqual([4, 1, 5, 3]);
  });
  test("is around equals that nothing tells apart", () =>
    expect(box(drawn("00009", "90009", "90000"))).toEqual([0, 0, 5, 3]));
  test("of all segments come the largest first", () => {
    const found = boxes(drawn("90009", "90009", "00000", "00000", "00900"));
    expect(found?.largest).toEqual([0, 0, 5, 2]);
    expect(found?.all.map(String).sort()).toEqual(["0,0,1,2", "2,4,3,5", "4,0,5,2"]);
    expect(found?.all[2]).toEqual([2, 4, 3, 5]);
  });
  test("does not reach over NaN", () => expect(box(drawn("99-9", "99-9"))).toEqual([0, 0, 2, 2]));
  test("is the whole map if all of it is equal", () => expect(box(drawn("111", "111"))).toEqual([0, 0, 3, 2]));

  test("agrees with a flood fill on noise", () => {
    const random = noise(1);
    for (let trial = 0; trial < 200; trial++) {
      const [width, height] = [1 + Math.floor(random() * 12), 1 + Math.floor(random() * 12)];
      const map = { width, height, data: Float32Array.from({ length: width * height }, random) };
      expect(box(map, { threshold: 0.6 })).toEqual(flooded(map, 0.6));
    }
  });
});

describe("mirrored and turned, a map points at the same place", () => {
  const turns: Record<string, (map: PixelMap) => PixelMap> = {
    mirrored: ({ width, height, data }) => ({
      width,
      height,
      data: moved(data, (x, y) => y * width + width - 1 - x, width, height),
    }),
    upside: ({ width, height, data }) => ({
      width,
      height,
      data: moved(data, (x, y) => (height - 1 - y) * width + x, width, height),
    }),
    transposed: ({ width, height, data }) => ({
      width: height,
      height: width,
      data: moved(data, (x, y) => x * width + y, height, width),
    }),
  };
  const back: Record<string, (p: { x: number; y: number }, map: PixelMap) => { x: number; y: number }> = {
    mirrored: ({ x, y }, { width }) => ({ x: width - 1 - x, y }),
    upside: ({ x, y }, { height }) => ({ x, y: height - 1 - y }),
    transposed: ({ x, y }) => ({ x: y, y: x }),
  };

  // Values of few levels, so that plateaus and equal segments are common.
  test.each(Object.keys(turns))("%s", (turn) => {
    const random = noise(7);
    for (let trial = 0; trial < 300; trial++) {
      const [width, height] = [1 + Math.floor(random() * 9), 1 + Math.floor(random() * 9)];
      const levels = 1 + (trial % 5);
      const data = Float32Array.from({ length: width * height }, () => Math.floor(random() * (levels + 1)));
      const map = { width, height, data };
      const [top, around] = [peak(map), box(map, { threshold: 0.6 })];
      const other = turns[turn](map);
      const [itsTop, itsBox] = [peak(other), box(other, { threshold: 0.6 })];
      expect(itsTop === undefined).toBe(top === undefined);
      if (!top || !itsTop || !around || !itsBox) continue;
      const expected = back[turn](top, map);
      expect(itsTop.x).toBeCloseTo(expected.x, 9);
      expect(itsTop.y).toBeCloseTo(expected.y, 9);
      const corners = [
        back[turn]({ x: around[0], y: around[1] }, map),
        back[turn]({ x: around[2] - 1, y: around[3] - 1 }, map),
      ];
      const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
      expect(itsBox).toEqual([Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1]);
    }
  });
});

function moved(data: Float32Array, from: (x: number, y: number) => number, width: number, height: number) {
  return Float32Array.from({ length: width * height }, (_, i) => data[from(i % width, Math.floor(i / width))]);
}

function noise(start: number): () => number {
  let seed = start;
  return () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
}

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
    const sum = (all: readonly number[]) => all.reduce((a, i) => a + data[i], 0);
    const more = segment.length - largest.length || sum(segment) - sum(largest);
    if (more > 0) largest = segment;
  }
  const xs = largest.map((i) => i % width);
  const ys = largest.map((i) => Math.floor(i / width));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}
