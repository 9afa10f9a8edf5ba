/**
 * @file Image files in and out in Node, by sharp (libvips). The one file here that knows an environment.
 *
 * sharp is optional, so it is imported when the first image asks for it. Every file becomes the same {@link Picture}, and every
 * mistake in a file one line that names it.
 */

import { readFile, stat } from "node:fs/promises";
import type { Metadata, PngOptions, Sharp, SharpOptions } from "sharp";
import { expects, missingPackage, type OptionNames, UserError } from "../errors.ts";
import type { Size } from "./geometry.ts";
import { type Picture, picture } from "./picture.ts";

/** The formats that are read, under the names that sharp gives them. */
const formats: Readonly<Record<string, string>> = {
  jpeg: "JPEG",
  png: "PNG",
  webp: "WebP",
  heif: "AVIF",
  tiff: "TIFF",
  gif: "GIF",
};
const allowed = "expected a JPEG, PNG, WebP, AVIF, TIFF or GIF file";

/** Limits of {@link decode}, against files made to exhaust memory. */
export interface DecodeOptions {
  /** The most pixels, width x height as stored; 100 million unless told. */
  maxPixels?: number;
  /** The most pixels of one side; no limit unless told. */
  maxSide?: number;
  /** The most bytes of the encoded file; no limit unless told. */
  maxBytes?: number;
  /** Pictures of more pixels are shrunk to as many as they are decoded; places are still told in the original's. None are unless told. */
  canvas?: number;
  /** What errors call bytes that come without a path. */
  name?: string;
}

export const decodeOptions: OptionNames<DecodeOptions> = {
  ...{ maxPixels: true, maxSide: true, maxBytes: true },
  ...{ canvas: true, name: true },
};

/**
 * Reads an image: the first frame or page, turned as EXIF says, alpha laid over white, as 8-bit sRGB (grey, CMYK and embedded ICC
 * profiles are converted); of PNG and TIFF files with 16 bits a channel these too.
 *
 * @param source a file's path, or the encoded bytes
 * @throws {UserError} `missing-file`, `invalid-image` (empty, another format, truncated or damaged), `too-large`, `missing-package`
 */
export async function decode(source: string | Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const { maxPixels = 100e6, name: given = "(bytes)" } = options;
  const {
    maxBytes = Number.POSITIVE_INFINITY,
    maxSide = Number.POSITIVE_INFINITY,
    canvas = Number.POSITIVE_INFINITY,
  } = options;
  const readable = typeof source === "string" || source instanceof Uint8Array;
  expects(readable, "image", source, "a file's path, or a picture's bytes");
  expects(maxPixels > 0, "maxPixels", maxPixels, "a number above 0");
  expects(maxBytes > 0, "maxBytes", maxBytes, "a number above 0");
  expects(maxSide > 0, "maxSide", maxSide, "a number above 0");
  expects(canvas > 0, "canvas", canvas, "a number above 0");
  const name = typeof source === "string" ? source : given;
  const bytes = typeof source === "string" ? await read(source, maxBytes) : source;
  if (bytes.length > maxBytes) throw tooManyBytes(name, bytes.length, maxBytes);
  if (bytes.length === 0) throw new UserError("invalid-image", `invalid image ${name}: empty, ${allowed}`);

  const sharp = await loadSharp();
  const image = sharp(bytes, { failOn: "error", limitInputPixels: false });
  let header: Metadata;
  try {
    header = await image.metadata();
  } catch (cause) {
    throw new UserError("invalid-image", `invalid image ${name}: ${reason(cause)}, ${allowed}`, { cause });
  }
  const { format, width, height } = header;
  if (!(format in formats)) throw new UserError("invalid-image", `invalid image ${name}: ${format}, ${allowed}`);
  if (!(width > 0 && height > 0))
    throw new UserError("invalid-image", `invalid image ${name}: ${width} x ${height} pixels, expected at least 1 x 1`);
  if (width * height > maxPixels)
    throw new UserError(
      "too-large",
      `too large image ${name}: ${width} x ${height} = ${width * height} pixels, allowed ${maxPixels} (raise with --max-pixels)`,
    );
  if (Math.max(width, height) > maxSide)
    throw new UserError(
      "too-large",
      `too large image ${name}: ${width} x ${height} pixels, allowed ${maxSide} per side (raise with --max-side)`,
    );
  try {
    // Each only where it does something: to turn a picture libvips must have all of it.
    const turned = (header.orientation ?? 1) > 1;
    const upright = turned ? image.autoOrient() : image;
    const original = (header.orientation ?? 1) > 4 ? { width: height, height: width } : { width, height };
    const shrunk = shrunkSize(original, canvas);
    // A JPEG or WebP file is shrunk while it is decoded, and takes the memory of the shrunk one.
    const fitting = shrunk ? upright.resize({ ...shrunk, fit: "fill", kernel: "linear" }) : upright;
    const decoded = await (header.depth === "ushort" && deepFormats.has(format)
      ? deepPicture(fitting)
      : plainPicture(header.hasAlpha ? fitting.flatten({ background: "white" }) : fitting));
    return shrunk ? { ...decoded, original } : decoded;
  } catch (cause) {
    const seen = `truncated or damaged ${formats[format]} (${reason(cause)})`;
    throw new UserError("invalid-image", `invalid image ${name}: ${seen}, expected a whole file`, { cause });
  }
}

/** The size of at most so many pixels that a picture is shrunk to; undefined where it has no more. */
function shrunkSize({ width, height }: Size, most: number): Size | undefined {
  if (width * height <= most) return undefined;
  const scale = Math.sqrt(most / (width * height));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

async function plainPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return picture(info.width, info.height, new Uint8Array(data.buffer, data.byteOffset, data.length));
}

/** Formats whose 16 bits a channel are pixels as they are. */
const deepFormats = new Set(["png", "tiff"]);

/** Of a file with 16 bits a channel, both depths. */
async function deepPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace("rgb16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const values = new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
  const deep = new Uint16Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = channels === 4 ? values[i * 4 + 3] / 65535 : 1;
    for (let c = 0; c < 3; c++) {
      const value = values[i * channels + (channels < 3 ? 0 : c)];
      deep[i * 3 + c] = alpha === 1 ? value : Math.round(value * alpha + 65535 * (1 - alpha));
    }
  }
  return {
    ...picture(
      width,
      height,
      Uint8Array.from(deep, (value) => value >> 8),
    ),
    deep,
  };
}

/**
 * How a PNG file is compressed: `small` is as small as the usual level 6 in two thirds of its time, by level 3 with filters; `fast`
 * takes less than half of that time for files that are larger by two thirds.
 */
export type PngCompression = "small" | "fast";

const pngOptions: Readonly<Record<PngCompression, PngOptions>> = {
  small: { compressionLevel: 3, adaptiveFiltering: true },
  fast: { compressionLevel: 1, adaptiveFiltering: false },
};

/** The picture as a PNG file's bytes. */
export async function encodePng(
  { width, height, data }: Picture,
  { compression = "small" }: { readonly compression?: PngCompression } = {},
): Promise<Uint8Array> {
  expects(Object.hasOwn(pngOptions, compression), "compression", compression, '"small" or "fast"');
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png(pngOptions[compression])
    .toBuffer();
}

/** The picture as a small JPEG file's bytes, its longer side at most `side` pixels. */
export async function thumbnail({ width, height, data }: Picture, side: number): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80, mozjpeg: true })
    .toBuffer();
}

/** The picture as a WebP file's bytes: a photograph in a tenth of its PNG, without a difference that the eye sees. */
export async function encodeWebp({ width, height, data }: Picture): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 90, smartSubsample: true })
    .toBuffer();
}

/**
 * An SVG drawing as a PNG file's bytes.
 *
 * @param scale pixels of the PNG for one unit of the drawing
 */
export async function rasterise(svg: string, { scale = 1 }: { scale?: number } = {}): Promise<Uint8Array> {
  const sharp = await loadSharp();
  // 72 dpi is one pixel a unit; unlimited, for the drawing is ours and may embed large pictures.
  return sharp(new TextEncoder().encode(svg), { density: 72 * scale, unlimited: true, limitInputPixels: false })
    .png()
    .toBuffer();
}

type SharpFactory = (input: Uint8Array, options?: SharpOptions) => Sharp;
let loaded: Promise<SharpFactory> | undefined;

/** sharp, without its cache and on one thread: the processor belongs to the network. */
function loadSharp(): Promise<SharpFactory> {
  loaded ??= import("sharp").then(
    ({ default: sharp }) => {
      sharp.cache(false);
      sharp.concurrency(1);
      return sharp;
    },
    (cause) => {
      throw missingPackage(["sharp"], "which reads and writes images", cause);
    },
  );
  return loaded;
}

async function read(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    // A pipe would be waited for, a device read for ever.
    if (!found.isFile() && !found.isDirectory())
      throw new UserError("invalid-image", `invalid image ${path}: a pipe, a socket or a device, ${allowed}`);
    if (found.size > maxBytes) throw tooManyBytes(path, found.size, maxBytes);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new UserError("missing-file", `missing image ${path}: no such file`, { cause });
    const seen = code === "EISDIR" ? "a directory" : `cannot be read (${code})`;
    throw new UserError("invalid-image", `invalid image ${path}: ${seen}, ${allowed}`, { cause });
  }
}

function tooManyBytes(name: string, bytes: number, maxBytes: number): UserError {
  return new UserError("too-large", `too large image ${name}: ${bytes} bytes, allowed ${maxBytes}`);
}

/** The first line of what libvips says, without its full stop. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message
    .split("\n", 1)[0]
    .replace(/^Input (buffer|file) /, "")
    .replace(/\.$/, "");
}
