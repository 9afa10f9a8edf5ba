/**
 * @file WAV files: RIFF chunks that hold PCM of 8, 16, 24 or 32 bits, or IEEE floats of 32 or 64.
 *
 * Format: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft 1991), and WAVE_FORMAT_EXTENSIBLE.
 */
import { UserError } from "../errors.ts";
import type { Signal } from "./signal.ts";

const PCM = 1;
const FLOAT = 3;
/** The format is the first two bytes of an identifier that follows. */
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

/**
 * Reads a WAV file; integers become -1 to 1.
 * @throws UserError `invalid-input` for another file, another coding, and samples that are missing.
 */
export function decodeWav(bytes: Uint8Array): Signal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12 || tag(bytes, 0) !== "RIFF" || tag(bytes, 8) !== "WAVE")
    throw invalid("other first bytes", "RIFF and WAVE");
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size] = [tag(bytes, at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (name === "fmt ") format = readFormat(view, start, size);
    if (name === "data") {
      if (!format) throw invalid("samples before their format", 'a chunk "fmt " first');
      return readSamples(view, format, start, size);
    }
    at = start + size + (size % 2); // chunks are padded to even lengths
  }
  throw invalid("no samples", 'a chunk "data"');
}

const tag = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

function readFormat(view: DataView, at: number, size: number): Format {
  if (size < 16 || at + size > view.byteLength) throw invalid("a truncated format", "16 bytes or more");
  const stated = view.getUint16(at, true);
  const code = stated === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : stated;
  const format = {
    code,
    channels: view.getUint16(at + 2, true),
    rate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
  if (!readerOf(format))
    throw new UserError(
      "invalid-input",
      `unsupported .wav: format ${code} of ${format.bits} bits; allowed are PCM of 8, 16, 24 or 32 bits, and floats of 32 or 64`,
    );
  if (format.channels < 1 || format.rate < 1)
    throw invalid(`${format.channels} channels at ${format.rate} Hz`, "one or more, at 1 Hz or more");
  return format;
}

type Reader = (view: DataView, at: number) => number;

function readerOf({ code, bits }: Format): Reader | undefined {
  const pcm: Readonly<Record<number, Reader>> = {
    8: (view, at) => (view.getUint8(at) - 128) / 2 ** 7, // the only one without a sign
    16: (view, at) => view.getInt16(at, true) / 2 ** 15,
    24: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
    32: (view, at) => view.getInt32(at, true) / 2 ** 31,
  };
  const float: Readonly<Record<number, Reader>> = {
    32: (view, at) => view.getFloat32(at, true),
    64: (view, at) => view.getFloat64(at, true),
  };
  return code === PCM ? pcm[bits] : code === FLOAT ? float[bits] : undefined;
}

function readSamples(view: DataView, format: Format, start: number, size: number): Signal {
  const { channels: count, bits, rate } = format;
  const [width, read] = [bits / 8, readerOf(format) as Reader];
  // A recorder that writes to a pipe cannot know the size, and leaves it at the largest.
  const bytes = size === 0xffffffff ? view.byteLength - start : size;
  if (start + bytes > view.byteLength)
    throw invalid(`${view.byteLength - start} bytes of samples`, `${bytes}, as the file states`);
  const length = Math.floor(bytes / (width * count));
  if (length === 0) throw invalid("no samples", "one or more");
  const channels = Array.from({ length: count }, (_, c) =>
    Float32Array.from({ length }, (_, i) => read(view, start + (i * count + c) * width)),
  );
  return { rate, channels };
}

const invalid = (seen: string, allowed: string): UserError =>
  new UserError("invalid-input", `invalid .wav: ${seen}, expected ${allowed}`);
