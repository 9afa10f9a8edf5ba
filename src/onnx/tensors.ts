/** @file Between the runtime's tensors and plain numbers with a shape. */

import type { Dense } from "../array/dense.ts";
import { halfToNumber, numberToHalf } from "../array/half.ts";
import { InternalError, present } from "../errors.ts";
import { product, range } from "./dims.ts";
import type { Feeds, Runtime, Tensor } from "./runtime.ts";

/** The numbers of a tensor of floats, or of whole numbers as pixels are, as float32; half precision comes as 16-bit patterns, or as numbers where the platform has them. */
export function toDense(tensor: Tensor): Dense {
  const { data, dims, type } = tensor;
  if (data instanceof Float32Array) return { data, dims };
  if (data instanceof Float64Array) return { data: Float32Array.from(data), dims };
  if (type === "float16")
    return {
      data:
        data instanceof Uint16Array
          ? Float32Array.from(data, halfToNumber)
          : Float32Array.from(data as ArrayLike<number>),
      dims,
    };
  if (Object.hasOwn(wholeNumbers, type)) return { data: Float32Array.from(data as ArrayLike<number>, Number), dims };
  throw new InternalError(`a ${type} tensor was read as numbers`);
}

/** A tensor of a float type, or of whole numbers, to the nearest. */
export function toTensor(ort: Runtime, { data, dims }: Dense, type = "float32"): Tensor {
  if (type === "float16") return new ort.Tensor("float16", halves(data), dims);
  if (type === "float64") return new ort.Tensor("float64", Float64Array.from(data), dims);
  const whole = wholeNumbers[type];
  if (whole) return new ort.Tensor(type as "uint8", whole.from(data.map(Math.round)) as Uint8Array, dims);
  return new ort.Tensor("float32", data, dims);
}

const wholeNumbers: Readonly<Record<string, { from(data: Float32Array): unknown }>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  int64: { from: (data) => BigInt64Array.from(data, BigInt) },
  uint64: { from: (data) => BigUint64Array.from(data, BigInt) },
};

/** Numbers in half precision, as `ort.Tensor` takes them: in the platform's own array where there is one, else as bit patterns. */
function halves(data: Float32Array): Uint16Array {
  const { Float16Array } = globalThis as { Float16Array?: { from(data: Float32Array): unknown } };
  return Float16Array ? (Float16Array.from(data) as Uint16Array) : Uint16Array.from(data, numberToHalf);
}

/** The tensor of a name, which is among these. */
export const tensorOf = (tensors: Feeds, name: string): Tensor => present(tensors[name], `the tensor "${name}"`);

/** Those of some names, all of which are among these. */
export const tensorsOf = (tensors: Feeds, names: readonly string[]): Feeds =>
  Object.fromEntries(names.map((name) => [name, tensorOf(tensors, name)]));

/** Answers about n images, [n k, ...] each with its own k, as one, image-major: the answers about an image side by side. */
export function interleave(answers: readonly Dense[], n: number): Dense {
  if (answers.length === 1) return answers[0];
  const rest = answers[0].dims.slice(1);
  const data = new Float32Array(answers.reduce((sum, answer) => sum + answer.data.length, 0));
  let to = 0;
  for (const i of range(n))
    for (const answer of answers) {
      const size = answer.data.length / n;
      data.set(answer.data.subarray(i * size, (i + 1) * size), to);
      to += size;
    }
  return { data, dims: [data.length / product(rest), ...rest] };
}

/** Rows of a tensor, each as often as it is named; a single one stays in the same memory. A scalar has none to choose. */
export function rowsOf(ort: Runtime, tensor: Tensor, rows: readonly number[]): Tensor {
  const { data, dims, type } = tensor;
  if (dims.length === 0) return tensor;
  const rest = dims.slice(1);
  const size = product(rest);
  const own = (row: number) => [row * size, (row + 1) * size] as const;
  const shape = [rows.length, ...rest];
  if (Array.isArray(data))
    return new ort.Tensor(
      "string",
      rows.flatMap((row) => data.slice(...own(row))),
      shape,
    );
  const numbers = data as Float32Array;
  if (rows.length === 1) return new ort.Tensor(type as "float32", numbers.subarray(...own(rows[0])), shape);
  const some = new (numbers.constructor as Float32ArrayConstructor)(rows.length * size);
  for (const [i, row] of rows.entries()) some.set(numbers.subarray(...own(row)), i * size);
  return new ort.Tensor(type as "float32", some, shape);
}

/** Feeds of one image each as those of them all; undefined where their shapes differ or an input is no array of numbers. */
export function sideBySide(ort: Runtime, apart: readonly Feeds[]): Feeds | undefined {
  const together: Feeds = Object.create(null);
  for (const [name, { type, dims, data }] of Object.entries(apart[0])) {
    const parts = apart.map((feeds) => feeds[name]);
    const alike = parts.every((part) => part?.type === type && String(part.dims) === String(dims));
    if (!alike || dims[0] !== 1 || !ArrayBuffer.isView(data)) return undefined;
    const joined = new (data.constructor as Float32ArrayConstructor)(data.length * apart.length);
    parts.forEach((part, i) => {
      joined.set(part.data as Float32Array, i * data.length);
    });
    together[name] = new ort.Tensor(type as "float32", joined, [apart.length, ...dims.slice(1)]);
  }
  return together;
}
