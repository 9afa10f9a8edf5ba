/** @file Pictures in and out in a browser, by its own decoders and a canvas; in a worker too. */
import { UserError } from "../errors.ts";
import { encodedSize } from "../image/dimensions.ts";
import { type Picture, picture } from "../image/picture.ts";

/** Limits of {@link decode}, against files made to exhaust memory. */
export interface DecodeOptions {
  /** The most pixels, width x height; 100 million unless told. */
  readonly maxPixels?: number;
}

/** What a browser shows as a picture: a file or its bytes, or what is decoded already. */
export type PictureSource = Blob | Uint8Array | ImageBitmap | ImageData | HTMLImageElement | HTMLCanvasElement;

const allowed = "expected a JPEG, PNG, WebP, AVIF, GIF or TIFF file";

/**
 * Reads a picture: the first frame, turned as EXIF says, alpha laid over white, as 8-bit sRGB; of TIFF files with 16 bits a channel
 * these too.
 *
 * @throws {UserError} `invalid-image` for what the browser cannot decode, `too-large`
 */
export async function decode(source: PictureSource, { maxPixels = 100e6 }: DecodeOptions = {}): Promise<Picture> {
  const encoded = source instanceof Uint8Array ? new Blob([source as BlobPart]) : source;
  if (encoded instanceof Blob) {
    await checkSize(encoded, maxPixels);
    if (await isTiff(encoded)) {
      const { decodeTiff } = await import("./tiff.ts");
      return decodeTiff(new Uint8Array(await encoded.arrayBuffer()), maxPixels);
    }
  }
  const bitmap = await bitmapOf(encoded);
  try {
    const { width, height } = bitmap;
    refuseAbove(maxPixels, width, height);
    const context = paper(width, height);
    context.drawImage(bitmap, 0, 0);
    return fromImageData(context.getImageData(0, 0, width, height));
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError("too-large", `too large image: the browser has no memory for it (${String(cause)})`, { cause });
  } finally {
    if (bitmap !== source) bitmap.close();
  }
}

/** The head of a JPEG may hold a thumbnail and a profile before it says how large the picture is. */
const head = 1 << 18;

async function checkSize(file: Blob, maxPixels: number): Promise<void> {
  if (file.size === 0) throw new UserError("invalid-image", `invalid image: empty, ${allowed}`);
  const size = encodedSize(await headOf(file, head));
  if (size) refuseAbove(maxPixels, size.width, size.height);
}

const headOf = async (file: Blob, length: number) => new Uint8Array(await file.slice(0, length).arrayBuffer());

/** Browsers do not read it, but for Safari. */
const isTiff = async (file: Blob): Promise<boolean> => /^(?:II[*+]\0|MM\0[*+])/.test(await file.slice(0, 4).text());

function refuseAbove(maxPixels: number, width: number, height: number): void {
  if (width * height > maxPixels)
    throw new UserError(
      "too-large",
      `too large image: ${width} x ${height} = ${width * height} pixels, allowed ${maxPixels}`,
    );
}

async function bitmapOf(source: Exclude<PictureSource, Uint8Array>): Promise<ImageBitmap> {
  if (source instanceof ImageBitmap) return source;
  try {
    return await createImageBitmap(source, { imageOrientation: "from-image" });
  } catch (cause) {
    const told =
      source instanceof Blob && (await import("../onnx/foreign.ts")).foreignSample(await headOf(source, 4096));
    const seen = told || `truncated, damaged, or of a format that this browser does not read; ${allowed}`;
    throw new UserError("invalid-image", `invalid image: ${seen}`, { cause });
  }
}

/** A white sheet that is read back, so it stays in memory and its colours are sRGB. */
function paper(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new UserError("too-large", `too large image: no canvas of ${width} x ${height} pixels`);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  return context;
}

/** What a canvas holds, as a picture; alpha is passed over. */
export function fromImageData({ width, height, data }: ImageData): Picture {
  const out = picture(width, height);
  for (let from = 0, to = 0; to < out.data.length; from += 4, to += 3) {
    out.data[to] = data[from];
    out.data[to + 1] = data[from + 1];
    out.data[to + 2] = data[from + 2];
  }
  return out;
}

/** A picture as a canvas takes it. */
export function toImageData({ width, height, data }: Picture): ImageData {
  const out = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    out.data[to] = data[from];
    out.data[to + 1] = data[from + 1];
    out.data[to + 2] = data[from + 2];
    out.data[to + 3] = 255;
  }
  return out;
}

/** The picture as a PNG file's bytes. */
export async function encodePng(source: Picture): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(source.width, source.height);
  canvas.getContext("2d")?.putImageData(toImageData(source), 0, 0);
  const file = await canvas.convertToBlob({ type: "image/png" });
  return new Uint8Array(await file.arrayBuffer());
}
