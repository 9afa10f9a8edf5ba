/** @file What is assumed of an input, and what a caller may say of it. */
import { describe, expect, test } from "vitest";
import { assumePreprocess, given, pictureShape } from "../../src/image/assume.ts";
import { picture } from "../../src/image/picture.ts";
import { type Preprocess, preprocess } from "../../src/image/preprocess.ts";

const rgb = [-1, 3, 224, 224];
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test("ImageNet's, of the input's layout and size", () => {
  const square = { resize: { shortestEdge: 256 }, crop: { width: 224, height: 224 }, asIs: true };
  const usual = { ...imagenet, scale: 1 / 255, filter: "bilinear", channels: 3, order: "RGB", layout: "NCHW" };
  expect(assumePreprocess(rgb)).toEqual({ ...square, ...usual });
  expect(assumePreprocess([-1, 48, 192, 3])).toMatchObject({
    resize: { width: 192, height: 48 },
    crop: { width: 192, height: 48 },
    layout: "NHWC",
  });
  expect(assumePreprocess([-1, 1, 28, 28])).toMatchObject({ channels: 1, mean: [expect.closeTo(0.449, 3)] });
});

test("the layout is what the caller says, whatever the sizes look like", () => {
  expect(pictureShape([-1, 3, 4, 3])).toMatchObject({ layout: "NCHW", channels: 3, height: 4, width: 3 });
  expect(pictureShape([-1, 3, 4, 3], "NHWC")).toMatchObject({ layout: "NHWC", channels: 3, height: 3, width: 4 });
  expect(assumePreprocess({ channels: 3, height: 32, width: 40, layout: "NHWC" })).toMatchObject({
    crop: { width: 40, height: 32 },
    layout: "NHWC",
  });
});

test("whole numbers are pixels as they are", () => {
  const of = (type: string) => assumePreprocess({ channels: 3, height: 8, width: 8, layout: "NHWC", type });
  expect(of("uint8")).toMatchObject({ scale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  expect(of("int32")).toMatchObject({ scale: 1, mean: [0, 0, 0] });
  expect(of("int8")).toMatchObject({ scale: 1, mean: [128, 128, 128] });
  expect(of("float16")).toMatchObject(imagenet);
  const shape = { channels: 3, layout: "NHWC", type: "uint8" } as const;
  expect(() => assumePreprocess(shape, { mean: 0 })).toThrow("the model takes uint8, unscaled pixels");
});

test("of other channels than a picture has only arrays can be fed", () => {
  const how = assumePreprocess({ channels: 13, height: 8, width: 8, layout: "NHWC" });
  expect([how.channels, how.mean.length]).toEqual([13, 13]);
  expect(() => preprocess(picture(8, 8), how)).toThrow("the model takes 13 channels, but an image has 1 or 3");
});

test("a picture of the input's very size goes in as it is, and one of another does not", () => {
  const how = assumePreprocess([1, 3, 8, 8], { mean: 0, std: 1, scale: 255 });
  const data = Uint8Array.from({ length: 192 }, (_, i) => (i * 37) % 256);
  const seen = preprocess(picture(8, 8, data), how);
  expect([...seen.data.subarray(0, 64)]).toEqual([...data].filter((_, i) => i % 3 === 0));
  expect(seen.geometry).toMatchObject({ scaleX: 1, scaleY: 1, left: 0, top: 0 });
  expect(preprocess(picture(9, 8), how).geometry.scaleX).not.toBe(1);
});

describe("what a caller says", () => {
  test.each([
    [
      { mean: 0, std: 1 },
      { mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255 },
    ],
    [
      { mean: [0.5], std: 0.5 },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    ],
    [{ scale: 255 }, { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] }],
    [
      { scale: 255, mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4] },
      { scale: 1, mean: [123.7, 116.3, 103.5] },
    ],
    [{ channels: "bgr" }, { order: "BGR" }],
    [{ fit: "stretch" }, { resize: { width: 224, height: 224 } }],
    [
      { fit: "letterbox" },
      {
        resize: { within: { width: 224, height: 224 }, rounded: "nearest" },
        pad: { size: { width: 224, height: 224 }, at: "centre", level: 114 },
      },
    ],
    [{ size: 224 }, { crop: { width: 224, height: 224 } }],
  ] as const)("%j", (known, expected) => expect(assumePreprocess(rgb, known)).toMatchObject(expected));

  test("height x width, and full, of a free size", () => {
    const free = [-1, 3, -1, -1];
    expect(assumePreprocess(free, { size: { height: 48, width: 192 } }).crop).toEqual({ width: 192, height: 48 });
    const full = assumePreprocess(free, { size: "full" });
    expect([full.resize, full.crop, full.pad, full.asIs]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test.each([
    [{ mean: [123.675, 116.28, 103.53] }, "the input's range is 0 to 1; give 0.485,0.456,0.406, or say"],
    [{ std: 58.395 }, "the input's range is 0 to 1; give 0.229,0.229,0.229, or say"],
    [{ scale: 255, mean: [0.485, 0.456, 0.406] }, "the input's range is 0 to 255; give 123.675,116.28,103.53, or"],
    [{ std: 0 }, "invalid std: 0; expected numbers other than 0"],
    [{ mean: [1, 2] }, "expected one number, or 3, one per channel"],
    [{ mean: Number.NaN }, "expected numbers"],
    [{ scale: 0 }, "expected a number above 0"],
    [{ size: { height: 48, width: 192 } }, 'invalid size: "48x192"; the model takes 224x224'],
    [{ size: 1.5 }, "invalid size: 1.5; expected integers of at least 1"],
  ])("%j is refused", (known, words) => expect(() => assumePreprocess(rgb, known)).toThrow(words));

  test("no colours to be turned round in grey", () =>
    expect(() => assumePreprocess([1, 1, 8, 8], { channels: "bgr" })).toThrow("the input has 1 of them"));
  test.each([
    ["channels", "grb"],
    ["fit", "zoom"],
  ])("a word that is none: %s", (key, value) =>
    expect(() => assumePreprocess(rgb, { [key]: value })).toThrow(`invalid ${key}: "${value}"; allowed are`),
  );
});

test("a preparation from before letterboxes and depths is read as it was", () => {
  const old: Preprocess = JSON.parse(
    '{"resize":{"shortestEdge":8},"crop":{"width":4,"height":4},"filter":"bicubic","scale":0.00392156862745098,"mean":[0,0,0],"std":[1,1,1],"channels":3,"order":"RGB","layout":"NCHW"}',
  );
  expect(given(old, {})).toEqual(old);
  // A stated preparation is followed to the letter: a picture of the crop's size is resized all the same.
  expect(preprocess(picture(4, 4), old).geometry).toMatchObject({ scaleX: 0.5, left: 1 });
});
