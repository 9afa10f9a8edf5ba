/**
 * @file Inputs and outputs that no caller in JavaScript could feed or fetch. Those of a type without an array (bfloat16, float8, int4)
 * become float32, or integers of 8 bits, with a Cast between; a size of 0, as old exporters write one that is free, becomes free.
 */
import { freshPrefix, graphsIn, indexModel, type Model, ownNames, withGraphs } from "./model.ts";
import {
  changed,
  DataType,
  declaredDims,
  declaredType,
  encodeModel,
  type GraphProto,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type ValueInfoProto,
} from "./proto.ts";
import { hasArray, isFloat, isQuantized } from "./types.ts";

/** The model, written anew with inputs and outputs that JavaScript has arrays for. */
export function retyped(model: Model): Model {
  const { graph, proto } = model;
  if (![...model.inputs, ...graph.output].some(isOdd)) return model;
  const prefix = freshPrefix(model);
  const taken = [...model.inputs, ...graph.output].filter(
    (info) => heldType(declaredType(info)) !== declaredType(info),
  );
  const inner = new Map(taken.map(({ name }) => [name, `${prefix}${name}`]));
  const input = graph.input.map((info) => (model.initializers.has(info.name) ? info : held(info)));
  const casts = (infos: readonly ValueInfoProto[], cast: (info: ValueInfoProto) => NodeProto) =>
    infos.filter(({ name }) => inner.has(name)).map(cast);
  const node = [
    ...casts(model.inputs, (info) =>
      makeNode("Cast", [info.name], [inner.get(info.name) ?? ""], { to: declaredType(info) }),
    ),
    ...graph.node.map((n) => renamed(n, inner)),
    ...casts(graph.output, (info) =>
      makeNode("Cast", [inner.get(info.name) ?? ""], [info.name], { to: heldType(declaredType(info)) }),
    ),
  ];
  const output = graph.output.map(held);
  // What is said of the sizes of inner tensors may follow from a size of 0.
  const written = changed(proto, { graph: changed(graph, { node, input, output, valueInfo: [] }) });
  return indexModel(encodeModel(written), written);
}

const heldType = (type: DataType): DataType => {
  if (hasArray(type)) return type;
  if (isFloat(type)) return DataType.FLOAT;
  if (!isQuantized(type)) return type;
  return type === DataType.UINT4 || type === DataType.UINT2 ? DataType.UINT8 : DataType.INT8;
};

/** Whether an input or output must be declared otherwise. */
export const isOdd = (info: ValueInfoProto): boolean =>
  heldType(declaredType(info)) !== declaredType(info) || Boolean(declaredDims(info)?.includes(0));

/** An input or output of a type with an array, and with no size of 0. */
function held(info: ValueInfoProto): ValueInfoProto {
  const [type, dims] = [declaredType(info), declaredDims(info)];
  if (!isOdd(info)) return info;
  return makeValueInfo(
    info.name,
    heldType(type),
    dims?.map((d, i) => (d === 0 || d === "" ? `${info.name}:${i}` : d)),
  );
}

/** The node with tensors of the model called otherwise, in the graphs inside it too where these do not have the name themselves. */
function renamed(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  const called = (list: readonly string[]) => list.map((name) => names.get(name) ?? name);
  const graphs = graphsIn(node).map((graph): GraphProto => {
    const own = new Set(ownNames(graph));
    const rest = new Map([...names].filter(([name]) => !own.has(name)));
    return changed(graph, { node: graph.node.map((n) => renamed(n, rest)) });
  });
  const changes = { input: called(node.input), output: called(node.output) };
  return changed(graphs.length ? withGraphs(node, graphs) : node, changes);
}
