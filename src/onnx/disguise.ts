/**
 * @file Types of which the runtime's interface has no tensor (bfloat16, and floats and integers of 8 bits and fewer), where shapes are
 * asked for: each is played by another that the same operators take, and what is told is said of the true one. Nothing is computed.
 */
import { product } from "./dims.ts";
import { graphsIn, withGraphs } from "./model.ts";
import {
  type AttributeProto,
  changed,
  DataType,
  declaredDims,
  declaredType,
  type GraphProto,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";
import { hasArray, isFloat, isQuantized } from "./types.ts";

/** Attributes that are a type's number. */
const typing = new Set(["to", "dtype", "output_dtype"]);

const unsigned = [DataType.UINT4, DataType.UINT2, DataType.FLOAT8E8M0];

/** The type that plays another. */
function standIn(type: DataType): DataType {
  if (hasArray(type) || !(isFloat(type) || isQuantized(type) || type === DataType.FLOAT8E8M0)) return type;
  if (type === DataType.BFLOAT16) return DataType.FLOAT16;
  return unsigned.includes(type) ? DataType.UINT8 : DataType.INT8;
}

/** Operators whose output has the type of an input that is not their first. */
const typedBy: Readonly<Record<string, number>> = { CastLike: 1, QuantizeLinear: 2 };

export interface Disguise {
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  /** The type of a tensor, from that which was told of it. */
  trueType(name: string, told: DataType): DataType;
}

/** A graph, and its inputs, in other types where the runtime has no name for theirs. */
export function disguise(graph: GraphProto, inputs: readonly ValueInfoProto[]): Disguise {
  const types = new Map<string, DataType>();
  for (const info of inputs) types.set(info.name, declaredType(info));
  for (const { name, dataType } of graph.initializer) types.set(name, dataType);
  // Names carry their type from node to node; what an operator makes of another type is told apart by what played it.
  for (const node of graph.node) {
    const { opType, input } = node;
    const stated = node.attribute.find((a) => typing.has(a.name) && a.i !== 0n) ?? node.attribute.find(({ t }) => t);
    const from = typedBy[opType] === undefined ? input : [input[typedBy[opType]] ?? ""];
    const carried = from.map((name) => types.get(name) ?? DataType.UNDEFINED).find((type) => standIn(type) !== type);
    const type = stated ? (stated.t?.dataType ?? Number(stated.i)) : carried;
    if (type !== undefined) for (const name of node.output) types.set(name, type);
  }
  return {
    node: graph.node.map(disguised),
    initializer: graph.initializer.map((tensor) => inDisguise(tensor)),
    inputs: inputs.map((info) => {
      const type = declaredType(info);
      return standIn(type) === type ? info : makeValueInfo(info.name, standIn(type), declaredDims(info));
    }),
    trueType: (name, told) => {
      const type = types.get(name) ?? told;
      return standIn(type) === told ? type : told;
    },
  };
}

function disguised(node: NodeProto): NodeProto {
  const graphs = graphsIn(node).map((graph) =>
    changed(graph, {
      node: graph.node.map(disguised),
      initializer: graph.initializer.map((tensor) => inDisguise(tensor)),
    }),
  );
  const own = graphs.length ? withGraphs(node, graphs) : node;
  const attribute = own.attribute.map((a): AttributeProto => {
    if (a.t) return changed(a, { t: inDisguise(a.t, true) });
    return typing.has(a.name) ? changed(a, { i: BigInt(standIn(Number(a.i))) }) : a;
  });
  return changed(own, { attribute });
}

/** A tensor in its type's disguise; numbers that an initialiser need not have are left out, or are zeros. */
function inDisguise(tensor: TensorProto, whole = false): TensorProto {
  const type = standIn(tensor.dataType);
  if (type === tensor.dataType) return tensor;
  const dims = tensor.dims.map(Number);
  const bytes = product(dims) * (type === DataType.FLOAT16 ? 2 : 1);
  return whole || bytes <= 128
    ? makeTensor(tensor.name, type, dims, new Uint8Array(bytes))
    : changed(tensor, { dataType: type });
}
