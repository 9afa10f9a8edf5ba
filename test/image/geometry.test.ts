import { describe, expect, test } from "vitest";
import { type Geometry, undo, upsample } from "../../src/image/geometry.ts";
import { peak } from "../../src/image/locate.ts";
import { floats, goldens } from "./goldens.ts";

describe("upsample equals torch's F.interpolate", () => {
  test.each(goldens.upsampled)("$grid to $size", ({ grid, size, map, data }) => {
    const expected = floats(data);
    const seen = upsample(floats(map), grid, size);
    expect(seen.length).toBe(expected.length);
    for (const [i, value] of seen.entries()) expect(value).toBeCloseTo(expected[i], 5);
  });
});

/** A picture of 8 x 4, resized to 4 x 2, of which the 2 x 2 in the centre are the input. */
const cropped: Geometry = {
  input: { width: 2, height: 2 },
  original: { width: 8, height: 4 },
  scaleX: 2,
  scaleY: 2,
  left: 2,
  top: 0,
};

describe("undo", () => {
  test("is NaN where the network did not look, and bilinear where it did", () => {
    const { data, width, height } = undo(Float32Array.of(0, 1), [1, 2], cropped);
    expect([width, height]).toEqual([8, 4]);
    // Cells are 2 pixels wide: centres at 3 and 5, so that the pixel centres 2.5, 3.5, 4.5, 5.5 are at 0, 1/4, 3/4 and 1.
    for (let y = 0; y < 4; y++)
      expect([...data.subarray(y * 8, y * 8 + 8)]).toEqual([NaN, NaN, 0, 0.25, 0.75, 1, NaN, NaN]);
  });

  test("leaves out what lies on the padding", () => {
    const padded: Geometry = {
      input: { width: 4, height: 1 },
      original: { width: 2, height: 1 },
      scaleX: 1,
      scaleY: 1,
      left: -1,
      top: 0,
    };
    expect([...undo(Float32Array.of(9, 1, 2, 9), [1, 4], padded).data]).toEqual([1, 2]);
  });

  test("of the whole picture is upsample", () => {
    const whole: Geometry = { ...cropped, input: { width: 4, height: 2 }, left: 0 };
    const map = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(undo(map, [2, 3], whole).data).toEqual(upsample(map, [2, 3], [4, 8]));
  });
});

describe("a mirrored map comes out mirrored", () => {
  const mirrored = (data: Float32Array, width: number) =>
    data.map((_, i) => data[i - (i % width) + width - 1 - (i % width)]);
  const map = Float32Array.from({ length: 35 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);

  test.each([7, 32, 224, 225, 301, 1000])("to the last bit, at %i pixels across", (width) => {
    const expected = mirrored(upsample(map, [5, 7], [3, width]), width);
    expect(upsample(mirrored(map, 7), [5, 7], [3, width])).toEqual(expected);
  });

  test("and so does one of a cropped picture, whose borders are seen alike", () => {
    // 10 pixels enlarged to 20, of which the 18 in the middle are the input: pixel centres lie on both of its edges.
    const size = { width: 18, height: 1 };
    const geometry = { input: size, original: { width: 10, height: 1 }, scaleX: 0.5, scaleY: 1, left: 0.5, top: 0 };
    const row = map.subarray(0, 7);
    const { data } = undo(row, [1, 7], geometry);
    expect(data.every(Number.isFinite)).toBe(true);
    expect(undo(mirrored(row, 7), [1, 7], geometry).data).toEqual(mirrored(data, 10));
  });

  test("a hot cell in any corner has its peak as far from the edges", () => {
    const [h, w, height, width] = [7, 7, 225, 301];
    const peaks = [0, 6, 42, 48].map((hot) => {
      const { x, y } = peak({
        width,
        height,
        data: upsample(new Float32Array(49).fill(1, hot, hot + 1), [h, w], [height, width]),
      }) ?? { x: 0, y: 0 };
      return [Math.min(x, width - 1 - x), Math.min(y, height - 1 - y)];
    });
    for (const one of peaks) expect(one).toEqual(peaks[0]);
    // Half a cell is flat at the edge: its centre is a quarter of a cell inside.
    expect(peaks[0][0]).toBeCloseTo(301 / 7 / 4 - 0.5, 0);
  });
});

describe("cells at centres of their own", () => {
  test("a hot cell is where it is said to be", () => {
    const data = upsample(Float32Array.of(0, 1, 0, 0), [1, 4], [1, 64], [undefined, { start: 0.5, step: 16 }]);
    expect(peak({ width: 64, height: 1, data })).toEqual({ x: 16, y: 0 });
    expect(data[8]).toBeCloseTo(0.5, 6);
  });

  test("what lies before the first and behind the last cell is theirs", () => {
    const data = upsample(Float32Array.of(1, 2), [1, 2], [1, 8], [undefined, { start: 2.5, step: 3 }]);
    expect([...data.subarray(0, 3)]).toEqual([1, 1, 1]);
    expect([...data.subarray(5)]).toEqual([2, 2, 2]);
  });

  test("evenly placed they are as without", () => {
    const map = Float32Array.of(1, 2, 3, 4, 5, 6);
    const geometry = {
      input: { width: 6, height: 4 },
      original: { width: 12, height: 9 },
      scaleX: 2,
      scaleY: 2,
      left: -1,
      top: 3,
    };
    const evenly = [
      { start: 1, step: 2 },
      { start: 1, step: 2 },
    ];
    expect(undo(map, [2, 3], geometry, evenly).data).toEqual(undo(map, [2, 3], geometry).data);
  });

  test("in the pixels of a picture that was shrunk and cropped", () => {
    const geometry = {
      input: { width: 32, height: 1 },
      original: { width: 100, height: 2 },
      scaleX: 2,
      scaleY: 2,
      left: 10,
      top: 0,
    };
    const { data } = undo(Float32Array.of(0, 1, 0), [1, 3], geometry, [
      { start: 0.5, step: 1 },
      { start: 0.5, step: 10 },
    ]);
    // The middle cell's centre is at 10.5 of the input: at 10 + 21 of the picture, between its pixels 30 and 31.
    expect(peak({ width: 100, height: 2, data })).toEqual({ x: 30.5, y: 0.5 });
  });
});
