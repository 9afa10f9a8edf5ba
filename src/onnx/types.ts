/** @file Element types of tensors, as ONNX numbers them and as ONNX Runtime names them. */
import { DataType } from "./proto.ts";

const names: Record<string, DataType> = {
  float32: DataType.FLOAT,
  uint8: DataType.UINT8,
  int8: DataType.INT8,
  uint16: DataType.UINT16,
  int16: DataType.INT16,
  int32: DataType.INT32,
  int64: DataType.INT64,
  string: DataType.STRING,
  bool: DataType.BOOL,
  float16: DataType.FLOAT16,
  float64: DataType.DOUBLE,
  uint32: DataType.UINT32,
  uint64: DataType.UINT64,
  bfloat16: DataType.BFLOAT16,
};

/** The ONNX number of a type that ONNX Runtime names; UNDEFINED for one it has no name for (int4, float8 ...). */
export const typeFromName = (name: string): DataType => names[name] ?? DataType.UNDEFINED;

export const typeName = (type: DataType): string =>
  Object.keys(names).find((name) => names[name] === type) ?? DataType[type].toLowerCase();

/** Whether JavaScript has an array for a type. Of others the runtime's interface makes no tensor: some end the process when they are fetched. */
export const hasArray = (type: DataType): boolean => type !== DataType.BFLOAT16 && Object.values(names).includes(type);

const between = (type: DataType, first: DataType, last: DataType): boolean => type >= first && type <= last;

/** Numbers of 8 and fewer bits with a point. */
export const isTiny = (type: DataType): boolean =>
  between(type, DataType.FLOAT8E4M3FN, DataType.FLOAT8E5M2FNUZ) || type === DataType.FLOAT4E2M1;

export const isFloat = (type: DataType): boolean =>
  [DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16].includes(type) || isTiny(type);

/** Whether a type holds the steps of quantised numbers. */
export const isQuantized = (type: DataType): boolean =>
  between(type, DataType.UINT8, DataType.INT16) ||
  between(type, DataType.UINT4, DataType.INT4) ||
  between(type, DataType.UINT2, DataType.INT2) ||
  isTiny(type);

/** The type that gradients of a tensor are computed in: half precision is too coarse for sums, so it becomes float32. */
export const gradientType = (type: DataType): DataType => (type === DataType.DOUBLE ? type : DataType.FLOAT);

/** Bytes of one element, those of a few bits counted as one. */
export function bytesOf(type: DataType): number {
  if ([DataType.DOUBLE, DataType.INT64, DataType.UINT64].includes(type)) return 8;
  if ([DataType.FLOAT16, DataType.BFLOAT16, DataType.INT16, DataType.UINT16].includes(type)) return 2;
  return [DataType.FLOAT, DataType.INT32, DataType.UINT32].includes(type) ? 4 : 1;
}
