/** @file Numbers of any type that a model takes, for runs that nobody asked for: whole numbers are 0 unless told, a valid index of everything. */
import { numberToHalf } from "../array/half.ts";
import { InternalError } from "../errors.ts";
import { DataType } from "./proto.ts";
import { isFloat, typeName } from "./types.ts";

const arrays: Partial<Record<DataType, { from(values: Iterable<number>): unknown }>> = {
  [DataType.FLOAT]: Float32Array,
  [DataType.DOUBLE]: Float64Array,
  [DataType.INT32]: Int32Array,
  [DataType.UINT32]: Uint32Array,
  [DataType.INT16]: Int16Array,
  [DataType.UINT16]: Uint16Array,
  [DataType.INT8]: Int8Array,
  [DataType.UINT8]: Uint8Array,
  [DataType.BOOL]: Uint8Array,
};

/** An array as the runtime takes it, of `count` numbers; `value` gives those of floats, `whole` all others. */
export function arrayOf(
  type: DataType,
  count: number,
  value: (i: number) => number = () => 0,
  whole: 0 | 1 = 0,
): unknown {
  if (type === DataType.INT64) return new BigInt64Array(count).fill(BigInt(whole));
  if (type === DataType.UINT64) return new BigUint64Array(count).fill(BigInt(whole));
  if (type === DataType.STRING) return Array<string>(count).fill("");
  const numbers = Array.from({ length: count }, (_, i) => (isFloat(type) ? value(i) : whole));
  if (type === DataType.FLOAT16) return halves(numbers);
  const array = arrays[type];
  if (!array) throw new InternalError(`there is no array of ${typeName(type)}`);
  return array.from(numbers);
}

/** Bit patterns, or numbers where the platform has an array for them. */
function halves(numbers: readonly number[]): unknown {
  const { Float16Array } = globalThis as { Float16Array?: { from(values: readonly number[]): unknown } };
  return Float16Array ? Float16Array.from(numbers) : Uint16Array.from(numbers, numberToHalf);
}
