/**
 * @file A decoded picture: what a decoder gives, what preprocessing takes and what rendering draws.
 *
 * One form for all of them, 8-bit RGB, so that nothing behind the decoder has to ask about alpha, grey, bit depth or rotation. Of a file
 * with 16 bits a channel the picture has these too, for the network.
 */

import { InternalError } from "../errors.ts";

/** Pixels in sRGB. */
export interface Picture {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** `width * height * 3` bytes: red, green, blue of each pixel, row after row. */
  readonly data: Uint8Array;
  /** The same pixels by 16 bits, 0..65535, of a file that has as many. */
  readonly deep?: Uint16Array;
  /** How large the file's own picture is, turned upright, where it was shrunk as it was decoded: places are told in its pixels. */
  readonly original?: { readonly width: number; readonly height: number };
}

/** One number for each pixel of a picture, e.g. an explanation in the pixels of the photograph; NaN where there is none. */
export interface PixelMap {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** `width * height` values, row after row. */
  readonly data: Float32Array;
}

/** A picture of these pixels, or a black one to be filled. */
export function picture(width: number, height: number, data: Uint8Array = new Uint8Array(width * height * 3)): Picture {
  if (data.length !== width * height * 3)
    throw new InternalError(
      `${data.length} bytes for a picture of ${width} x ${height}, expected ${width * height * 3}`,
    );
  return { width, height, data };
}

/** The picture in grey, red = green = blue, by ITU-R 601-2 luma in the fixed point of Pillow's `convert("L")`. */
export function grey({ width, height, data, deep }: Picture): Picture {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const luma = (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
    out[i] = out[i + 1] = out[i + 2] = luma;
  }
  return { width, height, data: out, ...(deep && { deep: greyDeep(deep) }) };
}

function greyDeep(data: Uint16Array): Uint16Array {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i += 3)
    out.fill(Math.floor((data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) / 65536), i, i + 3);
  return out;
}
