/** @file What the strips and tiles of a TIFF file hold, unpacked: plain, LZW, Deflate by the browser's own decoder, and PackBits. */
import { UserError } from "../errors.ts";

type Unpack = (packed: Uint8Array<ArrayBuffer>, length: number) => Uint8Array | Promise<Uint8Array>;

/** By the number of the compression; each stops at the length that is expected. */
const unpackers: Readonly<Record<number, Unpack>> = {
  1: (packed) => packed,
  5: lzw,
  8: inflate,
  32946: inflate,
  32773: packBits,
};

/** @throws UserError `invalid-image` for a compression that is not read, and for what ends too early */
export async function unpack(
  packed: Uint8Array<ArrayBuffer>,
  compression: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(length);
  out.set((await unpackers[compression](packed, length)).subarray(0, length));
  return out;
}

export const unpacks = (compression: number): boolean => compression in unpackers;

/** TIFF 6.0, section 13: codes of 9 to 12 bits, the widths changing one code early. */
function lzw(packed: Uint8Array, length: number): Uint8Array {
  if (packed[0] === 0 && packed[1] & 1) throw new UserError("invalid-image", "invalid image: a TIFF of before 1988");
  const out = new Uint8Array(length);
  // Each entry is a piece of what was written, one byte longer than the piece that was written before.
  const [starts, lengths] = [new Uint32Array(4097), new Uint16Array(4097)];
  let [at, bit, width, next, before] = [0, 0, 9, 258, -1];
  while (at < length && bit + width <= packed.length * 8) {
    const from = bit >> 3;
    const word = (packed[from] << 16) | (packed[from + 1] << 8) | packed[from + 2];
    const code = (word >> (24 - width - (bit & 7))) & ((1 << width) - 1);
    bit += width;
    if (code === 257) break;
    if (code === 256) {
      [width, next, before] = [9, 258, -1];
      continue;
    }
    if (code > next || (code === next && before < 0)) throw damaged();
    const start = at;
    if (code < 256) out[at++] = code;
    else {
      const [piece, size] = code === next ? [before, start - before + 1] : [starts[code], lengths[code]];
      for (let i = 0; i < size && at < length; i++) out[at++] = out[piece + i];
    }
    if (before >= 0 && next < 4096) {
      starts[next] = before;
      lengths[next++] = start - before + 1;
      if (next >= (1 << width) - 1 && width < 12) width++;
    }
    before = start;
  }
  return out;
}

async function inflate(packed: Uint8Array<ArrayBuffer>, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  try {
    while (at < length) {
      const { value, done } = await reader.read();
      if (done) break;
      const part = value.subarray(0, length - at);
      out.set(part, at);
      at += part.length;
    }
  } catch (cause) {
    if (at < length) throw damaged(cause);
  }
  await reader.cancel().catch(() => undefined);
  return out;
}

function packBits(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let from = 0, at = 0; from < packed.length && at < length; ) {
    const count = (packed[from++] << 24) >> 24;
    if (count >= 0) {
      out.set(packed.subarray(from, from + Math.min(count + 1, length - at)), at);
      at += count + 1;
      from += count + 1;
    } else if (count > -128) {
      out.fill(packed[from++], at, at + 1 - count);
      at += 1 - count;
    }
  }
  return out;
}

export const damaged = (cause?: unknown): UserError =>
  new UserError("invalid-image", "invalid image: truncated or damaged TIFF; expected a whole file", { cause });
