import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { type Picture, picture } from "../../src/image/picture.ts";
import { decode, encodePng, rasterise } from "../../src/image/sharp.ts";

/** Four flat quarters: red, green, blue, white. */
const [width, height] = [64, 32];
const quarters = picture(width, height);
const colours = [
  [250, 10, 10],
  [10, 250, 10],
  [10, 10, 250],
  [255, 255, 255],
];
for (let i = 0; i < width * height; i++) {
  const quarter = (i % width < width / 2 ? 0 : 1) + (i < (width * height) / 2 ? 0 : 2);
  quarters.data.set(colours[quarter], i * 3);
}
const source = () => sharp(quarters.data, { raw: { width, height, channels: 3 } });
const pixel = ({ data, width }: Picture, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

function expectClose(seen: readonly number[], expected: readonly number[], tolerance: number): void {
  for (const [i, value] of expected.entries()) expect(Math.abs(seen[i] - value)).toBeLessThanOrEqual(tolerance);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradcam-image-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("formats", () => {
  test.each([
    ["JPEG", () => source().jpeg({ quality: 95, chromaSubsampling: "4:4:4" }), 6],
    ["PNG", () => source().png(), 0],
    ["WebP", () => source().webp({ lossless: true }), 0],
    ["AVIF", () => source().avif({ quality: 90, chromaSubsampling: "4:4:4" }), 8],
    ["TIFF", () => source().tiff({ compression: "lzw" }), 0],
    ["GIF", () => source().gif(), 8],
  ] as const)("%s", async (_, encoded, tolerance) => {
    const seen = await decode(await encoded().toBuffer());
    expect([seen.width, seen.height, seen.data.length]).toEqual([width, height, width * height * 3]);
    for (const [i, [x, y]] of [
      [8, 8],
      [56, 8],
      [8, 24],
      [56, 24],
    ].entries())
      expectClose(pixel(seen, x, y), colours[i], tolerance);
  });

  test("a file by its path", async () => {
    const path = join(folder, "quarters.png");
    await writeFile(path, await encodePng(quarters));
    expect(await decode(path)).toEqual(quarters);
  });

  test("EXIF orientation 6 is turned a quarter clockwise", async () => {
    const seen = await decode(await source().withMetadata({ orientation: 6 }).png().toBuffer());
    expect([seen.width, seen.height]).toEqual([height, width]);
    expect(pixel(seen, 0, 0)).toEqual(colours[2]);
    expect(pixel(seen, height - 1, 0)).toEqual(colours[0]);
  });

  test("alpha is laid over white", async () => {
    const rgba = Uint8Array.of(255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128);
    const seen = await decode(
      await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
        .png()
        .toBuffer(),
    );
    expectClose([...seen.data], [255, 0, 0, 255, 255, 255, 127, 127, 127], 1);
  });

  test("grey, with and without alpha, becomes colour", async () => {
    const grey = await sharp(Uint8Array.of(0, 100), { raw: { width: 2, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await decode(grey)).data]).toEqual([0, 0, 0, 100, 100, 100]);
    const alpha = await sharp(Uint8Array.of(100, 255, 100, 0), { raw: { width: 2, height: 1, channels: 2 } })
      .png()
      .toBuffer();
    expect([...(await decode(alpha)).data]).toEqual([100, 100, 100, 255, 255, 255]);
  });

  test("16 bits become 8", async () => {
    const deep = Uint16Array.of(0, 0x8080, 0xffff, 0x4040, 0x4040, 0x4040);
    const colour = await sharp(deep, { raw: { width: 2, height: 1, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await sharp(colour).metadata()).depth).toBe("ushort");
    expectClose([...(await decode(colour)).data], [0, 128, 255, 64, 64, 64], 1);
    const grey = await sharp(deep, { raw: { width: 6, height: 1, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).depth).toBe("ushort");
    const seen = await decode(grey);
    expectClose([...seen.data], [0, 0, 0, 128, 128, 128, 255, 255, 255], 1);
  });

  test("CMYK becomes sRGB", async () => {
    const cmyk = await source().toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const seen = await decode(cmyk);
    expect(seen.data.length).toBe(width * height * 3);
    const [red, green, blue] = pixel(seen, 8, 8);
    expect(red).toBeGreaterThan(180);
    expect(Math.max(green, blue)).toBeLessThan(90);
    expectClose(pixel(seen, 56, 24), [255, 255, 255], 6);
  });

  test("of an animation, the first frame", async () => {
    const frames = [0, 1].map((shade) =>
      sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 255 * shade, g: 0, b: 0 } } })
        .png()
        .toBuffer(),
    );
    const gif = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    const seen = await decode(gif);
    expect([seen.width, seen.height, ...pixel(seen, 0, 0)]).toEqual([4, 4, 0, 0, 0]);
  });
});

describe("mistakes are one line that names the file", () => {
  async function refusal(input: string | Uint8Array, options?: Parameters<typeof decode>[1]): Promise<UserError> {
    const error = await decode(input, options).then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).not.toContain("\n");
    return error;
  }

  test("no such file", async () => {
    const error = await refusal(join(folder, "none.png"));
    expect(error.code).toBe("missing-file");
    expect(error.message).toBe(`missing image ${join(folder, "none.png")}: no such file`);
  });

  test("a directory", async () => {
    expect((await refusal(folder)).message).toBe(
      `invalid image ${folder}: a directory, expected a JPEG, PNG, WebP, AVIF, TIFF or GIF file`,
    );
  });

  test("an empty file", async () => {
    const path = join(folder, "empty.jpg");
    await writeFile(path, "");
    expect((await refusal(path)).message).toContain(`${path}: empty, expected a JPEG`);
  });

  test("not an image", async () => {
    const error = await refusal(new TextEncoder().encode("not an image at all\n".repeat(20)));
    expect(error.code).toBe("invalid-image");
    expect(error.message).toContain("expected a JPEG, PNG");
  });

  test("another format", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
    expect((await refusal(new TextEncoder().encode(svg))).message).toContain("svg, expected a JPEG, PNG");
  });

  /** Too rich to be compressed into what is left when a file is cut in half. */
  const noise = sharp(
    Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31) >> 3),
    {
      raw: { width: 64, height: 64, channels: 3 },
    },
  );
  test.each([
    ["JPEG", () => noise.clone().jpeg(), 0.5],
    ["JPEG, a little", () => noise.clone().jpeg(), 0.97],
    ["PNG", () => noise.clone().png(), 0.5],
    ["WebP", () => noise.clone().webp(), 0.5],
    ["AVIF", () => noise.clone().avif(), 0.8],
    ["TIFF", () => noise.clone().tiff({ compression: "none" }), 0.5],
    ["GIF", () => noise.clone().gif(), 0.5],
    ["header only", () => noise.clone().png(), 0.003],
  ] as const)("truncated: %s", async (_, encoded, share) => {
    const bytes = await encoded().toBuffer();
    const path = join(folder, "cut");
    await writeFile(path, bytes.subarray(0, Math.ceil(bytes.length * share)));
    const error = await refusal(path);
    expect(error.code).toBe("invalid-image");
    expect(error.message).toContain(path);
  });

  test("too many pixels, by the header alone", async () => {
    const png = await encodePng(quarters);
    const error = await refusal(png, { maxPixels: 2000 });
    expect(error.code).toBe("too-large");
    expect(error.message).toBe(
      "too large image (bytes): 64 x 32 = 2048 pixels, allowed 2000 (raise with --max-pixels)",
    );
    // A header that claims 60,000 x 60,000 with nothing behind it.
    const bomb = Uint8Array.from(png);
    new DataView(bomb.buffer).setUint32(16, 60_000);
    new DataView(bomb.buffer).setUint32(20, 60_000);
    new DataView(bomb.buffer).setUint32(29, crc32(bomb.subarray(12, 29)));
    expect((await refusal(bomb)).code).toBe("too-large");
  });

  test("no pixels", async () => {
    const png = Uint8Array.from(await encodePng(quarters));
    new DataView(png.buffer).setUint32(16, 0);
    new DataView(png.buffer).setUint32(29, crc32(png.subarray(12, 29)));
    expect((await refusal(png)).code).toBe("invalid-image");
  });

  test("too many bytes", async () => {
    const path = join(folder, "large.png");
    await writeFile(path, await encodePng(quarters));
    for (const input of [path, await encodePng(quarters)])
      expect((await refusal(input, { maxBytes: 50 })).message).toMatch(/^too large image .*: \d+ bytes, allowed 50$/);
  });
});

/** PNG's checksum, so that a changed header is believed. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

test("rasterise draws at its scale", async () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="6"><rect width="10" height="6" fill="#f00"/></svg>';
  const seen = await decode(await rasterise(svg, { scale: 2 }));
  expect([seen.width, seen.height, ...pixel(seen, 10, 6)]).toEqual([20, 12, 255, 0, 0]);
});
