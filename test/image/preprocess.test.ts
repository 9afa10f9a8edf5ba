import { describe, expect, test } from "vitest";
import { undo } from "../../src/image/geometry.ts";
import { picture } from "../../src/image/picture.ts";
import { type Preprocess, preprocess } from "../../src/image/preprocess.ts";
import { floats, golden, goldens } from "./goldens.ts";

const plain: Preprocess = {
  filter: "bilinear",
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  channels: 3,
  order: "RGB",
  layout: "NCHW",
};

describe("equals torchvision's Resize, CenterCrop, ToTensor, Normalize", () => {
  const { mean, std, cases } = goldens.preprocessed;
  test.each(cases)("shortest edge $shortestEdge, crop $crop", ({ shortestEdge, crop: [width, height], data }) => {
    const crop = { width, height };
    const how: Preprocess = { ...plain, resize: { shortestEdge }, filter: "bicubic", crop, scale: 1 / 255, mean, std };
    const seen = preprocess(golden, how);
    const expected = floats(data);
    expect(seen.dims).toEqual([3, height, width]);
    for (const [i, value] of seen.data.entries()) expect(value).toBeCloseTo(expected[i], 5);
  });
});

describe("layout, order and channels", () => {
  const two = picture(2, 1, Uint8Array.of(10, 20, 30, 40, 50, 60));
  test.each([
    ["NCHW", "RGB", [3, 1, 2], [10, 40, 20, 50, 30, 60]],
    ["NHWC", "RGB", [1, 2, 3], [10, 20, 30, 40, 50, 60]],
    ["NCHW", "BGR", [3, 1, 2], [30, 60, 20, 50, 10, 40]],
    ["NHWC", "BGR", [1, 2, 3], [30, 20, 10, 60, 50, 40]],
  ] as const)("%s %s", (layout, order, dims, data) => {
    const seen = preprocess(two, { ...plain, layout, order });
    expect(seen.dims).toEqual(dims);
    expect([...seen.data]).toEqual(data);
  });

  test("grey", () => {
    const seen = preprocess(two, { ...plain, channels: 1, mean: [8], std: [2] });
    expect(seen.dims).toEqual([1, 1, 2]);
    expect([...seen.data]).toEqual([5, 20]);
  });

  test("padding is a zero pixel, normalised", () => {
    const how: Preprocess = { ...plain, crop: { width: 4, height: 1 }, mean: [1, 2, 3], layout: "NHWC" };
    expect([...preprocess(two, how).data]).toEqual([-1, -2, -3, 9, 18, 27, 39, 48, 57, -1, -2, -3]);
  });
});

test("the geometry brings the input's own pixels back", () => {
  const how: Preprocess = { ...plain, crop: { width: 20, height: 30 } };
  const { data, geometry } = preprocess(golden, how);
  const { data: back } = undo(data.subarray(0, 600), [30, 20], geometry);
  for (let y = 0; y < 23; y++)
    for (let x = 0; x < 37; x++) {
      // (37 - 20) / 2 = 8.5 rounds to the even 8.
      const expected = x >= 8 && x < 28 ? golden.data[(y * 37 + x) * 3] : Number.NaN;
      expect(back[y * 37 + x]).toBe(expected);
    }
});

test("mistakes are named", () => {
  expect(() => preprocess(golden, { ...plain, mean: [0] })).toThrow(
    "invalid mean: 1 values, expected 3, one per channel",
  );
  expect(() => preprocess(golden, { ...plain, std: [1, 0, 1] })).toThrow("invalid std: 0");
  const line = picture(1, 100_000);
  expect(() => preprocess(line, { ...plain, resize: { shortestEdge: 256 } })).toThrow("too large input");
  expect(preprocess(line, { ...plain, resize: { shortestEdge: 8 }, crop: { width: 8, height: 8 } }).dims).toEqual([
    3, 8, 8,
  ]);
});
