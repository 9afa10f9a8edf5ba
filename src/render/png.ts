/**
 * @file What a figure has to know of the PNG files that it embeds.
 */

import { InternalError } from "../errors.ts";
import type { Size } from "../image/geometry.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bytes turned into characters at a time: an argument each, and engines limit how many there may be. */
const CHUNK = 1 << 15;

/** A PNG file's width and height, from its header. */
export function pngSize(png: Uint8Array): Size {
  if (png.length < 24 || SIGNATURE.some((byte, i) => png[i] !== byte))
    throw new InternalError("not the bytes of a PNG file");
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** A PNG file as a URI that holds it. */
export function dataUri(png: Uint8Array): string {
  let characters = "";
  for (let at = 0; at < png.length; at += CHUNK) characters += String.fromCharCode(...png.subarray(at, at + CHUNK));
  return `data:image/png;base64,${btoa(characters)}`;
}
