import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { fromHuggingFace } from "../../src/image/hugging-face.ts";

const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };

describe("framing", () => {
  const square = (side: number) => ({ width: side, height: side });
  test.each([
    [
      "ViT",
      { image_processor_type: "ViTImageProcessor", size: { height: 224, width: 200 } },
      { width: 200, height: 224 },
    ],
    ["ViT, formerly", { feature_extractor_type: "ViTFeatureExtractor", size: 224 }, square(224)],
    [
      "CLIP",
      { feature_extractor_type: "CLIPFeatureExtractor", size: 224, crop_size: 224 },
      { shortestEdge: 224 },
      square(224),
    ],
    ["no crop", { size: { shortest_edge: 256 }, crop_size: 224, do_center_crop: false }, { shortestEdge: 256 }],
    ["no resize", { do_resize: false, crop_size: { height: 8, width: 9 } }, undefined, { width: 9, height: 8 }],
    ["no type, no crop", { size: 224 }, square(224)],
    ["no type, crop", { size: 256, crop_size: 224 }, { shortestEdge: 256 }, square(224)],
    ["DeiT", { image_processor_type: "DeiTImageProcessor", size: 256, crop_size: 224 }, square(256), square(224)],
    [
      "ConvNeXt",
      { feature_extractor_type: "ConvNextFeatureExtractor", size: 224, crop_pct: 0.875 },
      { shortestEdge: 256 },
      square(224),
    ],
    [
      "ConvNeXt, crop_pct null",
      { image_processor_type: "ConvNextImageProcessor", size: { shortest_edge: 224 }, crop_pct: null },
      { shortestEdge: 256 },
      square(224),
    ],
    [
      "ConvNeXt, 384",
      { image_processor_type: "ConvNextImageProcessor", size: { shortest_edge: 384 }, crop_pct: 1 },
      square(384),
    ],
    [
      "PoolFormer",
      { image_processor_type: "PoolFormerImageProcessor", size: { shortest_edge: 224 }, crop_pct: 0.9, crop_size: 224 },
      { shortestEdge: 248 },
      square(224),
    ],
    [
      "LeViT",
      { image_processor_type: "LevitImageProcessor", size: { shortest_edge: 224 }, crop_size: 224 },
      { shortestEdge: 256 },
      square(224),
    ],
  ])("%s", (_, json, resize, crop?: object) => {
    const seen = fromHuggingFace(json);
    expect([seen.resize, seen.crop]).toEqual([resize, crop]);
  });
});

test("values", () => {
  expect(fromHuggingFace({ size: 8, ...imagenet, resample: 3 })).toEqual({
    resize: { width: 8, height: 8 },
    crop: undefined,
    filter: "bicubic",
    scale: 1 / 255,
    mean: imagenet.image_mean,
    std: imagenet.image_std,
    channels: 3,
    order: "RGB",
    layout: "NCHW",
  });
  const off = { size: 8, ...imagenet, do_normalize: false, do_rescale: false, do_flip_channel_order: true };
  expect(fromHuggingFace(off)).toMatchObject({ scale: 1, mean: [0, 0, 0], std: [1, 1, 1], order: "BGR" });
  expect(fromHuggingFace({ size: 8, image_mean: [0.5], image_std: [0.5] })).toMatchObject({ channels: 1 });
});

test("EfficientNet: an offset of the scale, and a second division by std", () => {
  const json = { size: 8, rescale_factor: 1 / 127.5, rescale_offset: true, include_top: true };
  expect(fromHuggingFace({ ...json, image_mean: [0, 0, 0], image_std: [0.5, 0.5, 2] })).toMatchObject({
    scale: 1 / 127.5,
    mean: [1, 1, 1],
    std: [0.25, 0.25, 4],
  });
});

test("without resample, the processor's own filter", () => {
  const filter = (type: string) => fromHuggingFace({ image_processor_type: type, size: { shortest_edge: 8 } }).filter;
  expect(filter("ViTImageProcessor")).toBe("bilinear");
  expect(filter("CLIPImageProcessor")).toBe("bicubic");
});

describe("mistakes name the key, and what is allowed", () => {
  test.each([
    [null, "content is null, expected an object"],
    [{}, "size is undefined, expected a number, {shortest_edge}, {longest_edge} or {height, width}"],
    [{ size: { edge: 8 } }, 'size is {"edge":8}'],
    [{ size: { longest_edge: 0 } }, "size.longest_edge is 0, expected an integer of at least 1"],
    [{ size: 8, do_pad: true, pad_size: "big" }, 'pad_size is "big"'],
    [{ size: 8, keep_aspect_ratio: 1 }, "keep_aspect_ratio is 1, expected true or false"],
    [{ size: -1 }, "size is -1, expected an integer of at least 1"],
    [{ size: 8, crop_size: "8" }, 'crop_size is "8", expected a number or {height, width}'],
    [{ size: 8, resample: 4 }, "resample is 4, expected 0 (nearest), 1 (lanczos), 2 (bilinear), 3 (bicubic)"],
    [{ size: 8, do_normalize: 1 }, "do_normalize is 1, expected true or false"],
    [{ size: 8, image_mean: [1, 2] }, "image_mean is [1,2], expected 1 or 3 numbers"],
    [{ size: 8, image_std: [1, 0, 1] }, "image_std is [1,0,1], expected 1 or 3 numbers other than 0"],
    [{ size: 8, rescale_factor: "1/255" }, 'rescale_factor is "1/255", expected a number above 0'],
  ])("%j", (json, message) => {
    expect(() => fromHuggingFace(json)).toThrow(UserError);
    expect(() => fromHuggingFace(json)).toThrow(`invalid preprocessor_config.json: ${message}`);
  });
});
