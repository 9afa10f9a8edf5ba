/** @file Pictures that are shrunk as they are decoded: less memory, and every place where it would be without. */
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { onCanvas, undo } from "../../src/image/geometry.ts";
import { locateOn } from "../../src/image/locate.ts";
import { preprocess } from "../../src/image/preprocess.ts";
import { decode } from "../../src/image/sharp.ts";

/** Smooth, and unlike in every quarter. */
const [width, height] = [600, 400];
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
  return 128 + 100 * Math.sin(x / 97 + c) * Math.cos(y / (60 + 20 * c));
});
const source = () => sharp(data, { raw: { width, height, channels: 3 } });
const how = {
  ...{ resize: { shortestEdge: 40 }, crop: { width: 32, height: 32 }, filter: "bilinear" as const },
  ...{ scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], channels: 3, order: "RGB" as const, layout: "NCHW" as const },
};
const canvas = 15_000;

describe.each<[string, () => Sharp]>([
  ["JPEG", () => source().jpeg({ quality: 98, chromaSubsampling: "4:4:4" })],
  ["progressive JPEG", () => source().jpeg({ quality: 98, chromaSubsampling: "4:4:4", progressive: true })],
  ["PNG", () => source().png()],
  ["PNG with alpha", () => source().ensureAlpha().png()],
  ["PNG of 16 bits", () => source().toColourspace("rgb16").png()],
  ["WebP", () => source().webp({ lossless: true })],
  ["TIFF", () => source().tiff({ compression: "lzw" })],
  ["a turned JPEG", () => source().withMetadata({ orientation: 6 }).jpeg({ quality: 98, chromaSubsampling: "4:4:4" })],
  [
    "a mirrored JPEG",
    () => source().withMetadata({ orientation: 2 }).jpeg({ quality: 98, chromaSubsampling: "4:4:4" }),
  ],
])("%s", (_, encoded) => {
  test("is shrunk to the canvas, and the network sees and places what it would see and place", async () => {
    const bytes = new Uint8Array(await encoded().toBuffer());
    const [whole, shrunk] = [await decode(bytes), await decode(bytes, { canvas })];
    expect(whole.original).toBeUndefined();
    expect(shrunk.original).toEqual({ width: whole.width, height: whole.height });
    expect(shrunk.width * shrunk.height).toBeLessThanOrEqual(canvas);
    expect(shrunk.width * shrunk.height).toBeGreaterThan(canvas * 0.95);
    expect(shrunk.data).toHaveLength(shrunk.width * shrunk.height * 3);
    expect(shrunk.deep?.length).toBe(whole.deep && shrunk.data.length);

    const [plain, small] = [preprocess(whole, how), preprocess(shrunk, how)];
    expect(small.dims).toEqual(plain.dims);
    const worst = small.data.reduce((most, v, i) => Math.max(most, Math.abs(v - plain.data[i])), 0);
    expect(worst).toBeLessThan(0.06);

    const { canvas: drawn, ...geometry } = small.geometry;
    expect(geometry).toEqual(plain.geometry);
    expect(drawn).toEqual({ width: shrunk.width, height: shrunk.height });
    expect(onCanvas(small.geometry).original).toEqual(drawn);

    const map = Float32Array.from({ length: 16 }, (_, i) => (i === 6 ? 1 : i === 7 ? 0.7 : 0));
    const [at, seen] = [plain.geometry, small.geometry].map((g) => locateOn(g, undo(map, [4, 4], g)));
    // A pixel of the canvas is a few of the original's.
    const pixel = whole.width / shrunk.width;
    expect(Math.abs((seen.peak?.x ?? 0) - (at.peak?.x ?? 0))).toBeLessThan(pixel);
    expect(Math.abs((seen.peak?.y ?? 0) - (at.peak?.y ?? 0))).toBeLessThan(pixel);
    for (const [i, edge] of (at.box ?? []).entries())
      expect(Math.abs((seen.box?.[i] ?? 0) - edge)).toBeLessThan(2 * pixel);
  });
});

test("a picture that fits is left as it is", async () => {
  const bytes = new Uint8Array(await source().png().toBuffer());
  expect(await decode(bytes, { canvas: width * height })).toEqual(await decode(bytes));
});

test.each([
  [1, 5000],
  [5000, 1],
])("%i x %i pixels are refused by their longer side", async (width, height) => {
  const bytes = await sharp({ create: { width, height, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  await expect(decode(bytes, { maxSide: 4999 })).rejects.toMatchObject({ code: "too-large" });
  expect((await decode(bytes, { maxSide: 5000 })).data).toHaveLength(15_000);
});
