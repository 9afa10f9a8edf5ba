import { describe, expect, test } from "vitest";
import { grey } from "../../src/image/picture.ts";
import { filters, resample, shrinkToFit } from "../../src/image/resample.ts";
import { bytes, golden, goldens } from "./goldens.ts";

describe("resample equals Pillow's resize", () => {
  test.each(goldens.resized)("$filter to $width x $height", ({ filter, width, height, data }) => {
    expect(resample(golden, width, height, filter).data).toEqual(bytes(data));
  });
});

test.each(filters)("%s: a crop is the same part of the whole", (filter) => {
  const whole = resample(golden, 50, 31, filter);
  const crop = { left: 7, top: 5, width: 20, height: 11 };
  const expected: number[] = [];
  for (let y = crop.top; y < crop.top + crop.height; y++)
    for (let x = crop.left; x < crop.left + crop.width; x++)
      expected.push(...whole.data.subarray((y * 50 + x) * 3, (y * 50 + x) * 3 + 3));
  expect([...resample(golden, 50, 31, filter, crop).data]).toEqual(expected);
});

test("grey equals Pillow's convert('L')", () => {
  expect(grey(golden).data.filter((_, i) => i % 3 === 0)).toEqual(bytes(goldens.grey));
});

test("shrinkToFit keeps the aspect, and a picture that fits", () => {
  expect(shrinkToFit(golden, 37)).toBe(golden);
  expect(shrinkToFit(golden, 18)).toMatchObject({ width: 18, height: 11 });
});
