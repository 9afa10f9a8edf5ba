/** @file Which files are handed to a decoder at all: by their first bytes, so that of libvips' many formats only six are reached. */
import { UserError } from "../errors.ts";

const text = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

const kinds: readonly ((bytes: Uint8Array) => boolean)[] = [
  (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff, // JPEG
  (b) => text(b, 0, 8) === "\x89PNG\r\n\x1a\n",
  (b) => text(b, 0, 4) === "RIFF" && ["WEBP", "WAVE"].includes(text(b, 8, 12)),
  (b) => text(b, 4, 8) === "ftyp" && ["avif", "avis", "mif1"].includes(text(b, 8, 12)),
  (b) => ["II*\0", "MM\0*"].includes(text(b, 0, 4)), // TIFF
  (b) => ["GIF87a", "GIF89a"].includes(text(b, 0, 6)),
  (b) => text(b, 0, 6) === "\x93NUMPY",
];

/** @throws UserError `invalid-image` for a file that begins like none of them. */
export function checkUpload(bytes: Uint8Array): void {
  if (kinds.some((is) => is(bytes))) return;
  const seen = bytes.length === 0 ? "it is empty" : "its first bytes match none of them";
  throw new UserError(
    "invalid-image",
    `invalid file: ${seen}; allowed are JPEG, PNG, WebP, AVIF, TIFF, GIF, .wav and .npy`,
  );
}
