/** @file Arrays from files: NumPy's .npy and lists in .json, as tensors of the type that a model takes. */
import path from "node:path";
import type { Dense } from "../array/dense.ts";
import { type NumpyArray, readNpy } from "../array/npy.ts";
import { UserError } from "../errors.ts";
import type { Tensor } from "../onnx/runtime.ts";
import { toTensor } from "../onnx/tensors.ts";
import { readBytes, readJson } from "./files.ts";
import type { NodeRuntime } from "./runtime.ts";

/** What a JSON list holds: numbers that have no type of their own, or booleans. */
const untyped = "numbers";

const endings = [".npy", ".json"];
export const isArrayFile = (file: string): boolean => endings.includes(path.extname(file).toLowerCase());

/** @throws UserError `invalid-input` that names the file, `missing-file`. */
export async function readArray(file: string, what: string): Promise<NumpyArray> {
  try {
    if (path.extname(file).toLowerCase() === ".json") return fromLists(await readJson(file, what, 2 ** 29));
    return readNpy(await readBytes(file, what));
  } catch (cause) {
    if (!(cause instanceof UserError) || cause.message.includes(file)) throw cause;
    throw new UserError(cause.code, cause.message.replace(/^(\w+ [.\w]+)/, `$1 ${file}`), { cause });
  }
}

/**
 * An array for an input that is explained.
 * @param taken the input's type: floats, or whole numbers in its range
 * @throws UserError `invalid-input` for an array of other numbers
 */
export function asDense({ type, shape, values }: NumpyArray, file: string, taken: string): Dense {
  if (Object.hasOwn(integers, taken)) {
    const whole = isFloat(type) && (values as number[]).every(Number.isInteger) ? untyped : type;
    return {
      data: Float32Array.from(dataOf({ type: whole, shape, values }, taken, file) as number[], Number),
      dims: shape,
    };
  }
  if (!isFloat(type)) throw wrongType(file, type, "floats");
  return { data: values instanceof Float32Array ? values : Float32Array.from(values as number[]), dims: shape };
}

const isFloat = (type: string): boolean => type === untyped || type.startsWith("float");

const integers: Readonly<
  Record<string, { readonly least: bigint; readonly most: bigint; from(v: bigint[]): unknown }>
> = {
  int8: { least: -(2n ** 7n), most: 2n ** 7n - 1n, from: (v) => Int8Array.from(v, Number) },
  uint8: { least: 0n, most: 2n ** 8n - 1n, from: (v) => Uint8Array.from(v, Number) },
  int16: { least: -(2n ** 15n), most: 2n ** 15n - 1n, from: (v) => Int16Array.from(v, Number) },
  uint16: { least: 0n, most: 2n ** 16n - 1n, from: (v) => Uint16Array.from(v, Number) },
  int32: { least: -(2n ** 31n), most: 2n ** 31n - 1n, from: (v) => Int32Array.from(v, Number) },
  uint32: { least: 0n, most: 2n ** 32n - 1n, from: (v) => Uint32Array.from(v, Number) },
  int64: { least: -(2n ** 63n), most: 2n ** 63n - 1n, from: (v) => BigInt64Array.from(v) },
  uint64: { least: 0n, most: 2n ** 64n - 1n, from: (v) => BigUint64Array.from(v) },
};

/**
 * The array as a tensor. Floats become the model's, whole numbers the model's where they are in range; neither becomes the other.
 * @param dims what the model takes, the batch first; an array without the batch is one of a batch of 1.
 * @throws UserError `invalid-input` for another type or shape, naming the file.
 */
export function asTensor(
  ort: NodeRuntime,
  array: NumpyArray,
  type: string,
  dims: readonly number[],
  file: string,
): Tensor {
  const shape = array.shape.length === dims.length - 1 ? [1, ...array.shape] : [...array.shape];
  const data = dataOf(array, type, file);
  if (type === "float16") return toTensor(ort, { data: data as Float32Array, dims: shape }, type);
  return new ort.Tensor(type as "float32", data as Float32Array, shape);
}

function dataOf({ type: given, values }: NumpyArray, type: string, file: string): unknown {
  if (type === "bool") {
    if (given !== "bool") throw wrongType(file, given, "bool");
    return Uint8Array.from(values as number[]);
  }
  const range = integers[type];
  if (range) {
    const whole = given.includes("int") || (given === untyped && (values as number[]).every(Number.isInteger));
    if (!whole) throw wrongType(file, given === untyped ? "fractions" : given, type);
    const exact = Array.from(values as (number | bigint)[], BigInt);
    const beyond = exact.find((v) => v < range.least || v > range.most);
    if (beyond !== undefined) throw wrongType(file, String(beyond), `${type}, ${range.least} to ${range.most}`);
    return range.from(exact);
  }
  if (!isFloat(given)) throw wrongType(file, given, type);
  const numbers = values as number[] | Float32Array;
  if (type === "float64") return Float64Array.from(numbers);
  return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
}

const wrongType = (file: string, seen: string, allowed: string): UserError =>
  new UserError("invalid-input", `invalid input ${file}: it holds ${seen}, the model takes ${allowed}`);

/** Lists in lists, of equal length at each depth. */
function fromLists(json: unknown): NumpyArray {
  const shape: number[] = [];
  for (let at = json; Array.isArray(at); at = at[0]) shape.push(at.length);
  const values: (number | boolean)[] = [];
  const gather = (value: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (typeof value !== "number" && typeof value !== "boolean") throw ragged(value);
      values.push(value);
    } else {
      if (!Array.isArray(value) || value.length !== shape[depth]) throw ragged(value);
      for (const part of value) gather(part, depth + 1);
    }
  };
  gather(json, 0);
  const bool = values.length > 0 && values.every((v) => typeof v === "boolean");
  if (!bool && values.some((v) => typeof v === "boolean")) throw ragged("numbers beside true and false");
  return { type: bool ? "bool" : untyped, shape, values: values.map(Number) };
}

const ragged = (seen: unknown): UserError =>
  new UserError(
    "invalid-input",
    `invalid .json: ${JSON.stringify(seen)?.slice(0, 60)}, expected numbers, or lists of them, all of one length`,
  );
