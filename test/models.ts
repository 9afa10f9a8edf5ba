/** @file Small ONNX models made in code, and random feeds for them. */
import * as ort from "onnxruntime-node";
import { randomNormal } from "../src/array/random.ts";
import { product } from "../src/onnx/dims.ts";
import {
  type AttributeValue,
  changed,
  DataType,
  encodeModel,
  makeGraph,
  makeImport,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
} from "../src/onnx/proto.ts";
import type { Feeds } from "../src/onnx/runtime.ts";
import { typeName } from "../src/onnx/types.ts";

/** Numbers of one type: an initialiser of the model, or with `fed` an input that takes these very values. */
export interface Numbers {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly values: readonly number[];
  readonly fed?: boolean;
}

/** Where a tensor comes from: dims stand for a float32 input, undefined for an optional input left out. */
export type Source = readonly number[] | Numbers | undefined;
export type Sources = Readonly<Record<string, Source>>;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A list without `dims`, a scalar from a single number. */
const numbers =
  (type: DataType) =>
  (values: readonly number[] | number, dims?: readonly number[]): Numbers =>
    typeof values === "number" ? { type, dims: [], values: [values] } : { type, dims: dims ?? [values.length], values };

export const ints = numbers(DataType.INT64);
export const int32s = numbers(DataType.INT32);
export const floats = numbers(DataType.FLOAT);
export const bools = numbers(DataType.BOOL);
export const fed = (given: Numbers): Numbers => ({ ...given, fed: true });

/** An input: one that the caller feeds. */
const isInput = (source: Source): source is readonly number[] | Numbers =>
  source !== undefined && (!isNumbers(source) || source.fed === true);
const isNumbers = (source: Source): source is Numbers => source !== undefined && "type" in source;

const arrays: Partial<
  Record<DataType, (values: readonly number[]) => Float32Array | BigInt64Array | Int32Array | Uint8Array | Int8Array>
> = {
  [DataType.FLOAT]: (values) => Float32Array.from(values),
  [DataType.INT64]: (values) => BigInt64Array.from(values, BigInt),
  [DataType.INT32]: (values) => Int32Array.from(values),
  [DataType.BOOL]: (values) => Uint8Array.from(values),
  [DataType.UINT8]: (values) => Uint8Array.from(values),
  [DataType.INT8]: (values) => Int8Array.from(values),
};
const arrayOf = ({ type, values }: Numbers) => arrays[type]!(values);

/** A node; names are separated by a space, and `-` stands for one left out. */
export function node(opType: string, inputs: string, outputs: string, attributes: Attributes = {}): NodeProto {
  const names = (text: string) => text.split(" ").map((name) => (name === "-" ? "" : name));
  return makeNode(opType, names(inputs), names(outputs), attributes);
}

/** The node with one more attribute: a list of texts. */
export function withStrings(plain: NodeProto, name: string, values: string[]): NodeProto {
  const [attribute] = makeNode("", [], [], { [name]: [] }).attribute;
  const textList: typeof attribute.type = 8;
  const strings = values.map((text) => new TextEncoder().encode(text));
  return changed(plain, { attribute: [...plain.attribute, changed(attribute, { type: textList, strings })] });
}

/** The node with one more attribute: a list of floating-point numbers, which no node of the package's own needs. */
export function withFloats(plain: NodeProto, name: string, values: number[]): NodeProto {
  const [attribute] = makeNode("", [], [], { [name]: [] }).attribute;
  const floatList: typeof attribute.type = 6;
  return changed(plain, { attribute: [...plain.attribute, changed(attribute, { type: floatList, floats: values })] });
}

export interface Wanted {
  readonly opset: number;
  readonly inputs: Sources;
  readonly nodes: readonly NodeProto[];
  /** By default the outputs of the last node. */
  readonly outputs?: readonly string[];
  /** Inputs whose first dimension is free ("N"). */
  readonly free?: readonly string[];
  /** Below 4 initialisers stand among the inputs too. */
  readonly ir?: number;
}

/** The bytes of a model. */
export function model({ opset, inputs, nodes, outputs, free = [], ir = 8 }: Wanted): Uint8Array {
  const entries = Object.entries(inputs);
  const constants = entries.flatMap(([name, source]) =>
    isInput(source) || !source ? [] : [[name, source as Numbers] as const],
  );
  const declared = entries.flatMap(([name, source]) => {
    if (!isInput(source)) return [];
    const dims = isNumbers(source) ? source.dims : source;
    const open = dims.map((d, i) => (i === 0 && free.includes(name) ? "N" : d));
    return [makeValueInfo(name, isNumbers(source) ? source.type : DataType.FLOAT, open)];
  });
  const weights = ir < 4 ? constants.map(([name, { type, dims }]) => makeValueInfo(name, type, dims)) : [];
  const graph = makeGraph({
    name: "test",
    node: [...nodes],
    initializer: constants.map(([name, given]) => makeTensor(name, given.type, given.dims, arrayOf(given))),
    input: [...declared, ...weights],
    output: (outputs ?? nodes.at(-1)?.output ?? []).filter(Boolean).map((name) => makeValueInfo(name)),
  });
  return encodeModel(
    makeModel({
      irVersion: BigInt(ir),
      opsetImport: [
        makeImport("", opset),
        ...[...new Set(nodes.map(({ domain }) => domain).filter(Boolean))].map((domain) => makeImport(domain, 1)),
      ],
      graph,
    }),
  );
}

export interface OneNode extends Omit<Wanted, "nodes" | "outputs"> {
  readonly attributes?: Attributes;
  /** How many outputs the node has; they are called y, y1, y2 ... */
  readonly outputs?: number;
  /** How many outputs follow those, which nothing reads. */
  readonly beside?: number;
  /** The one output that is not left out; it is called y. */
  readonly only?: number;
  /** Attributes that have no short form. */
  readonly change?: (node: NodeProto) => NodeProto;
  /** The type that the node computes in; the model's inputs and outputs stay float32. */
  readonly as?: DataType;
}

/** A model of one node, which takes the inputs in their order. */
export function oneNode(
  name: string,
  { attributes, outputs = 1, beside = 0, only, change, as, ...rest }: OneNode,
): Uint8Array {
  const names = Object.entries(rest.inputs).map(([name, source]) => (source ? name : "-"));
  const count = only === undefined ? outputs + beside : only + 1;
  const ys = Array.from({ length: count }, (_, i) => (only === undefined ? (i ? `y${i}` : "y") : i < only ? "-" : "y"));
  // An operator of another domain goes by its domain and name: com.microsoft.Gelu.
  const [opType, ...domain] = name.split(".").reverse();
  const made = changed(node(opType, names.join(" "), ys.join(" "), attributes), { domain: domain.reverse().join(".") });
  const plain = change ? change(made) : made;
  if (as === undefined) return model({ ...rest, nodes: [plain] });
  const isFloat = (name: string) => {
    const source = rest.inputs[name];
    return source && (!isNumbers(source) || source.type === DataType.FLOAT);
  };
  const inside = changed(plain, {
    input: plain.input.map((name) => (isFloat(name) ? `${name}:as` : name)),
    output: ys.map((y) => `${y}:as`),
  });
  const before = plain.input.filter(isFloat).map((name) => node("Cast", name, `${name}:as`, { to: as }));
  const after = ys.map((y) => node("Cast", `${y}:as`, y, { to: DataType.FLOAT }));
  return model({ ...rest, nodes: [...before, inside, ...after], outputs: ys });
}

/** Makes the values of an input from normally distributed ones. */
export type Values = (normal: Float32Array) => Float32Array;

/** A tensor for each input: normal numbers, or what `values` makes of them. The seed must not be that of a check, whose cotangent they would be. */
export function randomFeeds(inputs: Sources, values: Values = (normal) => normal, seed = 1000): Feeds {
  const normal = randomNormal(seed);
  const feeds: Feeds = {};
  for (const [name, source] of Object.entries(inputs)) {
    if (!isInput(source)) continue;
    feeds[name] = isNumbers(source)
      ? new ort.Tensor(typeName(source.type) as "int64", arrayOf(source) as BigInt64Array, source.dims)
      : new ort.Tensor("float32", values(normal(product(source))), source);
  }
  return feeds;
}

/** A float32 tensor of the given numbers. */
export const tensor = (values: readonly number[], dims: readonly number[] = [values.length]): ort.Tensor =>
  new ort.Tensor("float32", Float32Array.from(values), dims);
