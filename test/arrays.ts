/** @file Reference arrays: NumPy's files of every type that the cases use, and how far a result is from them. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { halfToNumber } from "../src/array/half.ts";

import type { Tensor } from "../src/onnx/runtime.ts";

type Data = Float32Array | Float64Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;
const types: Readonly<Record<string, readonly [string, new (buffer: ArrayBuffer) => Data]>> = {
  "<f4": ["float32", Float32Array],
  "<f8": ["float64", Float64Array],
  "<f2": ["float16", Uint16Array],
  "<i8": ["int64", BigInt64Array],
  "<i4": ["int32", Int32Array],
  "|u1": ["uint8", Uint8Array],
  "|b1": ["bool", Uint8Array],
};

/** The array in a `.npy` file. */
export function readNpy(file: string): Tensor {
  const bytes = readFileSync(file);
  const long = bytes[6] > 1;
  const headerAt = long ? 12 : 10;
  const start = headerAt + (long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", headerAt, start);
  const field = (pattern: RegExp) => pattern.exec(header)?.[1] ?? "";
  const [type, array] = types[field(/'descr': '([^']+)'/)];
  const dims = (field(/'shape': \(([^)]*)\)/).match(/\d+/g) ?? []).map(Number);
  const data = new array(Uint8Array.from(bytes.subarray(start)).buffer);
  const ordered = field(/'fortran_order': (\w+)/) === "True" ? rowMajor(data, dims) : data;
  return new ort.Tensor(type as "float32", ordered as Float32Array, dims);
}

/** Fortran counts the first axis fastest, everything else here the last. */
function rowMajor(data: Data, dims: readonly number[]): Data {
  const out = data.slice();
  for (let at = 0; at < data.length; at++) {
    let [rest, from] = [at, 0];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += (rest % dims[axis]) * dims.slice(0, axis).reduce((a, b) => a * b, 1);
      rest = Math.floor(rest / dims[axis]);
    }
    out[at] = data[from];
  }
  return out;
}

/** A float tensor's numbers. */
export function numbersOf({ data, type }: Tensor): Float64Array {
  return type === "float16" && data instanceof Uint16Array
    ? Float64Array.from(data, halfToNumber)
    : Float64Array.from(data as Float32Array);
}

/** The largest difference over the reference's largest magnitude; infinite where shapes differ or a number is none. */
export function distance(got: Tensor, reference: Tensor): number {
  if (String(got.dims) !== String(reference.dims)) return Number.POSITIVE_INFINITY;
  const [a, b] = [numbersOf(got), numbersOf(reference)];
  const differences = a.map((v, i) => Math.abs(v - b[i]));
  if (differences.some(Number.isNaN)) return Number.POSITIVE_INFINITY;
  return largest(differences) / (largest(b.map(Math.abs)) || 1);
}

const largest = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 0);

/** The cosine of the angle between two lists. */
export function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, i) => sum + v * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
}

/** Pearson's correlation of each image; the least of them. */
export function leastCorrelation(got: Tensor, reference: Tensor): number {
  const size = numbersOf(reference).length / reference.dims[0];
  const centred = (tensor: Tensor, image: number) => {
    const own = numbersOf(tensor).subarray(image * size, (image + 1) * size);
    const mean = own.reduce((a, b) => a + b, 0) / size;
    return own.map((v) => v - mean);
  };
  const images = Array.from({ length: reference.dims[0] }, (_, i) => cosine(centred(got, i), centred(reference, i)));
  return Math.min(...images);
}
