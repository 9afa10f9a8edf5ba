/**
 * @file NumPy's `.npy` files, version 1.0, for maps as float32 in C order.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

import { InternalError, UserError } from "../errors.ts";

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0];
/** The magic, the version, and the header's length in 2 bytes. */
const PREFIX = MAGIC.length + 2;
/** The data begins at a multiple of this. */
const ALIGNMENT = 64;

/** The bytes that `numpy.save` writes for a float32 array of this shape. */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  if (data.length !== shape.reduce((size, dim) => size * dim, 1))
    throw new InternalError(`${data.length} values for a shape of [${shape}]`);
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = Math.ceil((PREFIX + description.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${description.padEnd(start - PREFIX - 1)}\n`;

  const bytes = new Uint8Array(start + data.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(MAGIC.length, header.length, true);
  bytes.set(new TextEncoder().encode(header), PREFIX);
  for (let i = 0; i < data.length; i++) view.setFloat32(start + i * 4, data[i], true);
  return bytes;
}

/**
 * Reads what {@link encodeNpy} writes, and NumPy for float32 in C order.
 *
 * @throws {UserError} `invalid-input` for another file, version, type or order, or if values are missing
 */
export function decodeNpy(bytes: Uint8Array): { data: Float32Array; shape: number[] } {
  if (bytes.length < PREFIX || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw invalid("other first bytes", "the first bytes of a .npy file of version 1.0");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = PREFIX + view.getUint16(MAGIC.length, true);
  const header = new TextDecoder().decode(bytes.subarray(PREFIX, start));
  const found = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\), \}\s*$/.exec(header);
  if (!found) throw invalid(`the header ${header.trim()}`, "'<f4' values (float32) in C order");
  const shape = (found[1].match(/\d+/g) ?? []).map(Number);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (bytes.length !== start + size * 4)
    throw invalid(`${bytes.length - start} bytes of values`, `${size * 4} for the shape [${shape}]`);
  return { data: Float32Array.from({ length: size }, (_, i) => view.getFloat32(start + i * 4, true)), shape };
}

function invalid(seen: string, allowed: string): UserError {
  return new UserError("invalid-input", `invalid .npy: ${seen}, expected ${allowed}`);
}
