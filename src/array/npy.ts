/**
 * @file NumPy's `.npy` files: maps are written as float32 in C order, and inputs of every type are read.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */

import { InternalError, UserError } from "../errors.ts";
import { halfToNumber } from "./half.ts";

const SIGNATURE = [0x93, ...new TextEncoder().encode("NUMPY")];
const MAGIC = [...SIGNATURE, 1, 0];
/** The magic, the version, and the header's length in 2 bytes. */
const PREFIX = MAGIC.length + 2;
/** What a header has at most: NumPy writes at most 10,000 characters, and its arrays have at most 64 axes. */
const MOST = { header: 10_000, axes: 64 } as const;
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

/** An array as a file holds it, in C order. */
export interface NumpyArray {
  /** NumPy's name of the type, e.g. "float32". */
  readonly type: string;
  readonly shape: readonly number[];
  /** Booleans as 0 and 1. */
  readonly values: readonly number[] | readonly bigint[] | Float32Array;
}

interface ElementType {
  readonly name: string;
  readonly bytes: number;
  read(view: DataView, at: number, little: boolean): number | bigint;
}

const types: Readonly<Record<string, ElementType>> = {
  f2: { name: "float16", bytes: 2, read: (view, at, little) => halfToNumber(view.getUint16(at, little)) },
  f4: { name: "float32", bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { name: "float64", bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i1: { name: "int8", bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { name: "int16", bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { name: "int32", bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { name: "int64", bytes: 8, read: (view, at, little) => view.getBigInt64(at, little) },
  u1: { name: "uint8", bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { name: "uint16", bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { name: "uint32", bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  u8: { name: "uint64", bytes: 8, read: (view, at, little) => view.getBigUint64(at, little) },
  b1: { name: "bool", bytes: 1, read: (view, at) => view.getUint8(at) },
};

/**
 * Reads an array of numbers, of any version, byte order and order of axes. Values of float32 may lie in the file's own memory.
 *
 * @param most values; no limit unless told
 * @throws {UserError} `invalid-input` for another file, a type that is no number, or if values are missing, `too-large` for more values
 */
export function readNpy(bytes: Uint8Array, most = Number.POSITIVE_INFINITY): NumpyArray {
  if (bytes.length < PREFIX || SIGNATURE.some((byte, i) => bytes[i] !== byte) || bytes[6] < 1 || bytes[6] > 3)
    throw invalid("other first bytes", "the first bytes of a .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [at, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const start = at + length;
  if (length > MOST.header) throw invalid(`a header of ${length} bytes`, `at most ${MOST.header}`);
  const header = new TextDecoder().decode(bytes.subarray(at, start));
  const [, order, code] = /'descr': '([<>|=]?)([a-z]\d+)'/.exec(header) ?? [];
  const [, fortran] = /'fortran_order': (True|False)/.exec(header) ?? [];
  const [, dims] = /'shape': \(([\d, ]*)\)/.exec(header) ?? [];
  const type = types[code];
  if (!type || !fortran || dims === undefined)
    throw invalid(`the header ${header.trim().slice(0, 100)}`, "numbers or booleans");
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  if (shape.length > MOST.axes) throw invalid(`${shape.length} axes`, `at most ${MOST.axes}`);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (bytes.length !== start + size * type.bytes)
    throw invalid(`${bytes.length - start} bytes of values`, `${size * type.bytes} for the shape [${shape}]`);
  if (size > most)
    throw new UserError("too-large", `too large .npy: ${size} values, shape [${shape}], allowed ${most}`);
  const place = fortran === "True" ? fortranPlace(shape) : (i: number) => i;
  const value = (i: number) => type.read(view, start + place(i) * type.bytes, order !== ">");
  if (code !== "f4") {
    const values = Array.from({ length: size }, (_, i) => value(i)) as number[] | bigint[];
    return { type: type.name, shape, values };
  }
  if (order !== ">" && fortran === "False") return { type: type.name, shape, values: floatsIn(bytes.subarray(start)) };
  // A loop, for pictures have 150,000 values: Float32Array.from with a function takes longer than a small network.
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = value(i) as number;
  return { type: type.name, shape, values };
}

/** Bytes of little-endian float32, as every platform that ONNX Runtime has keeps them: the same memory where they lie at a multiple of 4. */
function floatsIn(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/**
 * Reads an array of float32.
 *
 * @throws {UserError} `invalid-input` for what {@link readNpy} refuses, and for another type
 */
export function decodeNpy(bytes: Uint8Array): { data: Float32Array; shape: number[] } {
  const { type, shape, values } = readNpy(bytes);
  if (!(values instanceof Float32Array)) throw invalid(`${type} values`, "float32");
  return { data: values, shape: [...shape] };
}

/** Where the i-th value in C order lies in a file whose first axis runs fastest. */
function fortranPlace(shape: readonly number[]): (index: number) => number {
  return (index) => {
    let [rest, place] = [index, 0];
    const position = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    for (let axis = shape.length - 1; axis >= 0; axis--) place = place * shape[axis] + position[axis];
    return place;
  };
}

function invalid(seen: string, allowed: string): UserError {
  return new UserError("invalid-input", `invalid .npy: ${seen}, expected ${allowed}`);
}
