import { describe, expect, test } from "vitest";
import { type Geometry, undo, upsample } from "../../src/image/geometry.ts";
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
