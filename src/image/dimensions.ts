/**
 * @file How large an encoded picture is, from its first bytes: a browser's decoder allocates before it can be asked.
 *
 * JPEG (ITU T.81, B.2.2), PNG, GIF, WebP (RFC 9649), AVIF (the `ispe` property of ISO 23008-12).
 */
import type { Size } from "./geometry.ts";

/** Width and height as stored, before any rotation; undefined for bytes of another format. */
export function encodedSize(bytes: Uint8Array): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const format = formats.find(({ magic, at }) => textAt(bytes, at, magic.length) === magic);
  try {
    return format?.read(view, bytes);
  } catch {
    return undefined; // shorter than its own header
  }
}

type Reader = (view: DataView, bytes: Uint8Array) => Size | undefined;

const formats: readonly { readonly magic: string; readonly at: number; readonly read: Reader }[] = [
  { magic: "\x89PNG\r\n\x1a\n", at: 0, read: (v) => ({ width: v.getUint32(16), height: v.getUint32(20) }) },
  { magic: "GIF8", at: 0, read: (v) => ({ width: v.getUint16(6, true), height: v.getUint16(8, true) }) },
  { magic: "\xff\xd8", at: 0, read: jpeg },
  { magic: "WEBP", at: 8, read: webp },
  { magic: "ftypavif", at: 4, read: avif },
];

/** The frame header is behind any number of segments; C4, C8 and CC among its markers are others. */
function jpeg(view: DataView): Size | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
  }
  return undefined;
}

function webp(view: DataView, bytes: Uint8Array): Size | undefined {
  const u24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (textAt(bytes, 12, 4)) {
    case "VP8X":
      return { width: u24(24) + 1, height: u24(27) + 1 };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    case "VP8 ":
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  return undefined;
}

/** The largest item's extent, wherever the properties lie in the head. */
function avif(view: DataView, bytes: Uint8Array): Size | undefined {
  let best: Size | undefined;
  for (let at = 8; at + 16 <= Math.min(bytes.length, 1 << 16); at++) {
    if (textAt(bytes, at, 4) !== "ispe") continue;
    const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (!best || size.width * size.height > best.width * best.height) best = size;
  }
  return best;
}

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));
