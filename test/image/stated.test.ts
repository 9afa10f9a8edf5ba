/** @file What `preprocessor_config.json` states, against transformers' own image processors; and pictures of 16 bits against Pillow. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { undo } from "../../src/image/geometry.ts";
import { fromHuggingFace } from "../../src/image/hugging-face.ts";
import { type Picture, picture } from "../../src/image/picture.ts";
import { type Preprocess, preprocess } from "../../src/image/preprocess.ts";
import { type FilterName, resample } from "../../src/image/resample.ts";
import { decode } from "../../src/image/sharp.ts";
import { floats, golden } from "./goldens.ts";

interface Stated {
  readonly name: string;
  readonly picture: "wide" | "tall";
  readonly config: unknown;
  readonly dims: readonly number[];
  readonly data: string;
}

const json = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")) as T;

function transposed({ width, height, data }: Picture): Picture {
  const out = picture(height, width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      out.data.set(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), (x * height + y) * 3);
  return out;
}

const pictures = { wide: golden, tall: transposed(golden) };

describe("equals transformers", () => {
  test.each(json<Stated[]>("hf-goldens.json"))("$name", (stated) => {
    const seen = preprocess(pictures[stated.picture], fromHuggingFace(stated.config));
    const expected = floats(stated.data);
    expect(seen.dims).toEqual(stated.dims);
    for (const [i, value] of seen.data.entries()) expect(value).toBeCloseTo(expected[i], 4);
  });

  test("a processor of which the configuration says too little is refused", () => {
    const config = { image_processor_type: "LlavaNextImageProcessor", size: { shortest_edge: 336 } };
    expect(() => fromHuggingFace(config)).toThrow(
      "unsupported preprocessor_config.json: the configuration alone does not define what LlavaNextImageProcessor does",
    );
  });
});

describe("a letterbox", () => {
  const how: Preprocess = {
    resize: { within: { width: 64, height: 64 }, rounded: "nearest" },
    pad: { size: { width: 64, height: 64 }, at: "centre", level: 114 },
    ...{ filter: "bilinear", scale: 1, mean: [0, 0, 0], std: [1, 1, 1], channels: 3, order: "RGB", layout: "NCHW" },
  };
  /** Ultralytics: of 400 x 100, 64 x 16, with 24 rows above and below. */
  const wide = picture(400, 100, new Uint8Array(120000).fill(200));

  test("is grey above and below, as Ultralytics has it", () => {
    const { data, dims } = preprocess(wide, how);
    expect(dims).toEqual([3, 64, 64]);
    const rows = Array.from({ length: 64 }, (_, y) => data[y * 64 + 5]);
    expect(rows).toEqual([...Array(24).fill(114), ...Array(16).fill(200), ...Array(24).fill(114)]);
  });

  test("of an odd rest has one row less above", () => {
    const { data } = preprocess(picture(64, 13, new Uint8Array(64 * 13 * 3).fill(9)), how);
    expect(data.indexOf(9) / 64).toBe(25);
  });

  test("is undone for maps: the border falls away", () => {
    const { geometry } = preprocess(wide, how);
    const map = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.floor(i / 64));
    const { data, width, height } = undo(map, [64, 64], geometry);
    expect([width, height]).toEqual([400, 100]);
    // Row y of the picture is at 24 + y * 16 / 100 of the input.
    for (const y of [0, 13, 50, 99]) expect(data[y * 400 + 7]).toBeCloseTo(24 + ((y + 0.5) * 16) / 100 - 0.5, 4);
  });
});

test("what is larger than its padding is refused", () => {
  const config = { do_resize: false, do_pad: true, pad_size: { height: 20, width: 99 }, do_normalize: false };
  expect(() => preprocess(golden, fromHuggingFace(config))).toThrow(
    "invalid preparation: the picture becomes 37 x 23, which cannot be padded to 99 x 20",
  );
});

describe("a picture of 16 bits", () => {
  const goldens = json<{
    data: string;
    resized: { filter: FilterName; width: number; height: number; data: string }[];
  }>("deep-goldens.json");
  const words = (text: string) => new Uint16Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
  const red = ({ deep }: Picture) => Array.from({ length: (deep?.length ?? 0) / 3 }, (_, i) => deep?.[i * 3]);

  test("is read at its full depth, and as 8 bits beside", async () => {
    const seen = await decode(new URL("deep.png", import.meta.url).pathname);
    const expected = words(goldens.data);
    expect(red(seen)).toEqual([...expected]);
    expect(seen.data[3 * 15]).toBe(expected[15] >> 8);
  });

  test.each(goldens.resized)(
    "resized by Pillow: $filter, $width x $height",
    async ({ filter, width, height, data }) => {
      const seen = await decode(new URL("deep.png", import.meta.url).pathname);
      expect(red(resample(seen, width, height, filter))).toEqual([...words(data)]);
    },
  );

  test("becomes an input of more than 256 levels, of which white is 1", async () => {
    const seen = await decode(new URL("deep.png", import.meta.url).pathname);
    const how: Preprocess = {
      ...{ filter: "bilinear", scale: 1 / 255, mean: [0], std: [1], channels: 1, order: "RGB", layout: "NCHW" },
    };
    const { data } = preprocess(seen, how);
    const expected = words(goldens.data);
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected[i] / 65535, 6);
  });
});
