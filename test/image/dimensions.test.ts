/** @file Sizes from the first bytes, held against libvips's files of every format. */
import sharp from "sharp";
import { expect, test } from "vitest";
import { encodedSize } from "../../src/image/dimensions.ts";

const plain = () => sharp({ create: { width: 301, height: 207, channels: 3, background: "#654" } });

test.each([
  ["JPEG", plain().jpeg()],
  ["progressive JPEG with a profile", plain().withMetadata().jpeg({ progressive: true })],
  ["PNG", plain().png()],
  ["GIF", plain().gif()],
  ["lossy WebP", plain().webp()],
  ["lossless WebP", plain().webp({ lossless: true })],
  ["WebP with a profile", plain().withMetadata().webp()],
  ["AVIF", plain().avif()],
])("%s", async (_, image) => {
  const bytes = new Uint8Array(await image.toBuffer());
  expect(encodedSize(bytes)).toEqual({ width: 301, height: 207 });
  for (const length of [0, 3, 9]) expect(encodedSize(bytes.subarray(0, length))).toBeUndefined();
});

test("anything else has none", () => {
  expect(encodedSize(new TextEncoder().encode("GIF, JPEG and PNG are formats of pictures"))).toBeUndefined();
});
