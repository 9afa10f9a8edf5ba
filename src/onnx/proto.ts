/** @file The only file that knows the protobuf schema: reading, making and writing ONNX messages. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type * as generated from "onnx-buf";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { halfToNumber } from "../array/half.ts";
import { changed, type Fields, type Guarded } from "./message.ts";

export type AttributeProto = Guarded<generated.AttributeProto>;
export type FunctionProto = Guarded<generated.FunctionProto>;
export type GraphProto = Guarded<generated.GraphProto>;
export type ModelProto = Guarded<generated.ModelProto>;
export type NodeProto = Guarded<generated.NodeProto>;
export type TensorProto = Guarded<generated.TensorProto>;
export type ValueInfoProto = Guarded<generated.ValueInfoProto>;
export { changed, DataType };

/** The message in `bytes`; weights stay views of them. Throws what the protobuf reader throws. */
export const decodeModel = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes) as ModelProto;
export const encodeModel = (model: ModelProto): Uint8Array => toBinary(ModelProtoSchema, model as generated.ModelProto);

export const makeModel = (fields: Fields<ModelProto>): ModelProto =>
  create(ModelProtoSchema, fields as Fields<generated.ModelProto>) as ModelProto;
export const makeGraph = (fields: Fields<GraphProto>): GraphProto =>
  create(GraphProtoSchema, fields as Fields<generated.GraphProto>) as GraphProto;

export const makeFunction = (fields: Fields<FunctionProto>): FunctionProto =>
  create(FunctionProtoSchema, fields as Fields<generated.FunctionProto>) as FunctionProto;

export const withName = <T extends TensorProto | ValueInfoProto>(message: T, name: string): T =>
  changed(message, { name } as Fields<T>);

/** Texts by key, as metadata. */
export const makeEntries = (texts: Readonly<Record<string, string>>): ModelProto["metadataProps"] =>
  Object.entries(texts).map(
    ([key, value]) => create(StringStringEntryProtoSchema, { key, value }) as ModelProto["metadataProps"][number],
  );

export const makeImport = (domain: string, version: number): ModelProto["opsetImport"][number] =>
  create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }) as ModelProto["opsetImport"][number];

/** An attribute's value, typed by its form: whole number, `float(x)`, text, a list of whole numbers, a tensor, or a graph. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { tensor: TensorProto }
  | { graph: GraphProto };

/** Marks a number as a floating-point attribute, whatever its value. */
export const float = (value: number): AttributeValue => ({ float: value });

/** A whole number as int64. The largest one, which files write for "to the end", is no number of JavaScript's: one beyond it is meant. */
export const int64 = (value: number): bigint =>
  value >= 2 ** 63 ? 2n ** 63n - 1n : value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(value);

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const of = (init: Partial<Omit<AttributeProto, `$${string}`>>) =>
    create(AttributeProtoSchema, { name, ...init }) as AttributeProto;
  if (typeof value === "number") return of({ type: AttributeType.INT, i: int64(value) });
  if (typeof value === "string") return of({ type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return of({ type: AttributeType.FLOAT, f: value.float });
  if ("tensor" in value) return of({ type: AttributeType.TENSOR, t: value.tensor });
  if ("graph" in value) return of({ type: AttributeType.GRAPH, g: value.graph });
  return of({ type: AttributeType.INTS, ints: value.map(int64) });
}

export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Record<string, AttributeValue> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) => makeAttribute(name, value));
  return create(NodeProtoSchema, { opType, input: [...input], output: [...output], attribute }) as NodeProto;
}

/** A tensor message with the numbers stored raw (little-endian, as every platform that runs ONNX Runtime). */
export function makeTensor(name: string, type: DataType, dims: readonly number[], data: ArrayBufferView): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return create(TensorProtoSchema, { name, dataType: type, dims: dims.map(BigInt), rawData }) as TensorProto;
}

/** A tensor of which only some numbers are held, at these places of the flat one; it has the name of the numbers. */
export const makeSparse = (values: TensorProto, indices: TensorProto, dims: readonly number[]) =>
  create(SparseTensorProtoSchema, {
    values: values as generated.TensorProto,
    indices: indices as generated.TensorProto,
    dims: dims.map(BigInt),
  }) as GraphProto["sparseInitializer"][number];

/** An input or output. `dims`: a number, or a text for a free dimension; no `type` leaves the type to ONNX Runtime. */
export function makeValueInfo(name: string, type?: DataType, dims?: readonly (number | string)[]): ValueInfoProto {
  if (type === undefined) return create(ValueInfoProtoSchema, { name }) as ValueInfoProto;
  const dim = dims?.map((d) => ({
    value:
      typeof d === "number" ? { case: "dimValue" as const, value: BigInt(d) } : { case: "dimParam" as const, value: d },
  }));
  const tensor = { elemType: type, shape: dim && { dim } };
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: tensor } },
  }) as ValueInfoProto;
}

/** An input or output that is this tensor; a free dimension (-1) is named after the tensor and its axis, so that none counts as another's. */
export function infoOf({
  name,
  type,
  dims,
}: {
  readonly name: string;
  readonly type?: DataType;
  readonly dims?: readonly number[];
}): ValueInfoProto {
  return makeValueInfo(
    name,
    type,
    dims?.map((d, axis) => (d < 0 ? `${name}:${axis}` : d)),
  );
}

/**
 * The dims of an input or output as written in the file: a number, a name, or "" where nothing is said; undefined without a shape.
 * Less than nothing says nothing, as ONNX Runtime has it: many files write a free dimension as -1.
 */
export function declaredDims(info: ValueInfoProto): (number | string)[] | undefined {
  if (info.type?.value.case !== "tensorType") return undefined;
  return info.type.value.value.shape?.dim.map(({ value }) =>
    value.case === "dimValue" ? (value.value < 0n ? "" : Number(value.value)) : (value.value ?? ""),
  );
}

export const declaredType = (info: ValueInfoProto): DataType =>
  info.type?.value.case === "tensorType" ? info.type.value.value.elemType : DataType.UNDEFINED;

export const isExternal = (tensor: TensorProto): boolean => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;

/** The file that an external tensor's bytes are in, relative to the model's folder. */
export const externalLocation = (tensor: TensorProto): string | undefined =>
  tensor.externalData.find(({ key }) => key === "location")?.value;

/** The numbers of a small constant; undefined for external data and for types that no rule reads. */
export function tensorValues(tensor: TensorProto): number[] | undefined {
  if (isExternal(tensor)) return undefined;
  const { rawData } = tensor;
  const raw = <T>(array: new (buffer: ArrayBuffer) => ArrayLike<T>, typed: readonly T[]) =>
    // A copy, aligned; `slice` of a Node.js Buffer would be a view.
    Array.from(rawData.length ? new array(Uint8Array.from(rawData).buffer) : typed, Number);
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return raw(Float32Array, tensor.floatData);
    case DataType.DOUBLE:
      return raw(Float64Array, tensor.doubleData);
    case DataType.INT64:
      return raw(BigInt64Array, tensor.int64Data);
    case DataType.INT32:
      return raw(Int32Array, tensor.int32Data);
    case DataType.BOOL:
    case DataType.UINT8:
      return raw(Uint8Array, tensor.int32Data);
    case DataType.INT8:
      return raw(Int8Array, tensor.int32Data);
    case DataType.FLOAT16:
      return raw(Uint16Array, tensor.int32Data).map(halfToNumber);
    default:
      return undefined;
  }
}
