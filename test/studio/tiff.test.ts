/** @file TIFF in the studio: files of Pillow and libvips are, pixel by pixel, what Node reads; other formats are refused with what to do. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import sharp, { type TiffOptions } from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { decode } from "../../src/image/sharp.ts";
import { gap } from "../nets.ts";
import { build, drop, launch, openPage, photo, root, serve } from "./browser.ts";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let wrongs: string[];
let served: Awaited<ReturnType<typeof serve>>;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  build();
  [browser, served] = await Promise.all([launch(), serve()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  ({ page, wrongs } = await openPage(context, served.url));
  await drop(page, { name: "net.onnx", type: "", bytes: gap() }); // a small network: pictures are what this is about
  await page.locator(".sheet h1", { hasText: "net" }).waitFor();
  await page.getByRole("tab", { name: "Explain" }).click();
});
afterAll(async () => {
  await browser?.close();
  served?.stop();
});

const folder = path.join(root, "test/studio/tiff");
const ofPillow = readdirSync(folder).filter((name) => name.endsWith(".tif") && name !== "fax.tif");

/** What the page shows of a dropped file, as RGB; of small pictures these are the picture's own pixels. */
async function shown(name: string, bytes: Uint8Array) {
  await drop(page, { name, type: "image/tiff", bytes });
  const stage = page.locator(`canvas.picture[aria-label^="${name}"]`);
  await stage.waitFor();
  return stage.evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
    return { width, height, data: [...data].filter((_, i) => i % 4 < 3) };
  });
}

async function expectAsNode(name: string, bytes: Uint8Array, most: number): Promise<void> {
  const [got, want] = [await shown(name, bytes), await decode(bytes)];
  expect([got.width, got.height], name).toEqual([want.width, want.height]);
  const worst = got.data.reduce((far, v, i) => Math.max(far, Math.abs(v - want.data[i])), 0);
  expect(worst, name).toBeLessThanOrEqual(most);
}

test("files of Pillow: compressed, predicted, grey, of 16 bits, by a palette, bits, alpha, turned", async () => {
  expect(ofPillow.length).toBeGreaterThan(12);
  // Decoders of JPEG round each in its way.
  for (const name of ofPillow)
    await expectAsNode(name, readFileSync(path.join(folder, name)), name === "jpeg.tif" ? 6 : 1);
});

test("files of libvips: tiles, and many of their kinds", async () => {
  const small = sharp(photo).resize(150, 90, { fit: "fill" });
  const kinds: Record<string, TiffOptions> = {
    "tiled-lzw": { tile: true, tileWidth: 64, tileHeight: 32, compression: "lzw", predictor: "horizontal" },
    "tiled-deflate": { tile: true, tileWidth: 32, tileHeight: 32, compression: "deflate", predictor: "none" },
    "tiled-jpeg": { tile: true, tileWidth: 64, tileHeight: 64, compression: "jpeg", quality: 95 },
    lzw: { compression: "lzw", predictor: "none" },
    packbits: { compression: "packbits" },
    plain: { compression: "none" },
  };
  for (const [name, options] of Object.entries(kinds))
    await expectAsNode(`${name}.tif`, await small.clone().tiff(options).toBuffer(), name.endsWith("jpeg") ? 8 : 1);
  const deep = await small
    .clone()
    .toColourspace("rgb16")
    .tiff({ compression: "lzw", predictor: "horizontal" })
    .toBuffer();
  await expectAsNode("deep.tif", deep, 1);
  await page.locator(".hero[data-settled=true]").waitFor();
  expect(wrongs).toEqual([]);
});

/** A TIFF file that says no more than this. */
function tags(of: Readonly<Record<number, number>>): Uint8Array {
  const entries = Object.entries(of);
  const file = Buffer.alloc(14 + 12 * entries.length);
  file.write("II*\0\x08\0\0\0", "latin1");
  file.writeUInt16LE(entries.length, 8);
  for (const [i, [tag, value]] of entries.entries()) {
    file.writeUInt16LE(Number(tag), 10 + 12 * i);
    file.writeUInt16LE(4, 12 + 12 * i);
    file.writeUInt32LE(1, 14 + 12 * i);
    file.writeUInt32LE(value, 18 + 12 * i);
  }
  return file;
}

test.each<[string, Uint8Array | string, RegExp]>([
  ["fax.tif", readFileSync(path.join(folder, "fax.tif")), /TIFF with compression 4.*magick/],
  ["cut.tif", readFileSync(path.join(folder, "plain.tif")).subarray(0, 3000), /truncated or damaged TIFF/],
  ["crumbs.tif", tags({ 256: 9000, 257: 9000, 322: 1, 323: 1 }), /TIFF with 81000000 parts/],
  ["one-tile.tif", tags({ 256: 9, 257: 9, 322: 60_000, 323: 60_000 }), /damaged TIFF/],
  ["endless.tif", tags({ 256: 60_000, 257: 60_000 }), /3600000000 pixels, allowed/],
  ["big.tif", "II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", /BigTIFF/],
  ["photo.jpg", "\0\0\0\x18ftypheic\0\0\0\0mif1heic", /HEIC photograph.*heif-convert/],
  ["phone.heic", "\0\0\0\x18ftypmif1\0\0\0\0mif1heic", /HEIC photograph/],
  [
    "drawing.png",
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    /SVG drawing.*export.*PNG/,
  ],
  ["logo.svg", "<!-- made by hand --><svg width='9' height='9'></svg>", /SVG drawing/],
  ["picture.jxl", "\xff\x0a\xfa\x7f", /JPEG XL.*djxl/],
  ["page.jpg", "%PDF-1.7\n", /PDF.*PNG/],
  ["notes.jpg", "only words", /truncated, damaged, or of a format/],
])("%s is refused by what it holds", async (name, content, said) => {
  const bytes = typeof content === "string" ? Uint8Array.from(content, (c) => c.charCodeAt(0)) : content;
  await drop(page, { name, type: "", bytes });
  const told = page.locator(".notice");
  await told.waitFor();
  await expect.poll(() => told.innerText()).toMatch(said);
  await page.keyboard.press("Escape");
});

test("what browsers read is read: BMP, GIF, AVIF, WebP", async () => {
  const small = sharp(photo).resize(60, 40, { fit: "fill" });
  const bmp = Buffer.alloc(54 + 4 * 3 * 2);
  bmp.write("BM");
  for (const [at, value] of [
    [2, bmp.length],
    [10, 54],
    [14, 40],
    [18, 3],
    [22, 2],
    [34, 24],
  ] as const)
    bmp.writeUInt32LE(value, at);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  for (const [name, bytes] of [
    ["a.bmp", bmp],
    ["a.gif", await small.clone().gif().toBuffer()],
    ["a.avif", await small.clone().avif().toBuffer()],
    ["a.webp", await small.clone().webp().toBuffer()],
  ] as const) {
    await drop(page, { name, type: "", bytes });
    await page.locator(`canvas.picture[aria-label^="${name}"]`).waitFor();
  }
  expect(await page.locator(".notice").count()).toBe(0);
});
