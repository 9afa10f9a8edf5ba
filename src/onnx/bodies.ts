/**
 * @file The graphs inside If, Loop and Scan as graphs of their own: what goes in, and what is known of the node's outputs once its
 * graphs are.
 *
 * The runtime tells no shape of what a Loop makes, since its states may change their shape from step to step. Where one step gives each
 * state the shape that it had, all steps do.
 */
import {
  Attributes,
  capturesOf,
  constantParts,
  constantValues,
  graphsIn,
  type IndexedGraph,
  indexGraph,
  inputsOf,
  ownNames,
} from "./model.ts";
import { DataType, type GraphProto, infoOf, makeGraph, type NodeProto } from "./proto.ts";
import { withOwnNames } from "./scopes.ts";

/** A tensor's type and dimensions; -1 for a dimension that depends on the batch or is known at run time only. */
export interface TensorType {
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Whether the first dimension counts the images. */
  readonly perImage: boolean;
  /** Whether the batch is a factor of a dimension, as where windows of images lie behind each other. */
  readonly folded?: boolean;
  /** The numbers themselves, of an argument that constants and shapes alone decide. */
  readonly values?: readonly number[];
}

/** What is known of tensors, by name; one whose rank the runtime cannot tell is missing. And what is known of the graphs inside nodes. */
export interface Observed extends ReadonlyMap<string, TensorType> {
  readonly bodies: ReadonlyMap<GraphProto, Body>;
}

/** A graph inside a node. */
export interface Body {
  /** As it stands in the node, but for names that an outer tensor has too. */
  readonly own: GraphProto;
  /** As a graph that stands alone: what it reads of the outer graph are further inputs, or constants that it holds itself. */
  readonly graph: IndexedGraph;
  readonly tensors: Observed;
}

type Unobserved = Omit<Body, "tensors">;
type Types = ReadonlyMap<string, TensorType>;

/**
 * A graph inside a node of `outer`, whose tensors have these types. What the runtime refuses by itself stays unknown; a rule that asks
 * for it says so.
 * @param observe asks the runtime about the graph that stands alone
 */
export async function observeBody(
  outer: IndexedGraph,
  types: Types,
  node: NodeProto,
  graph: GraphProto,
  observe: (alone: Unobserved) => Promise<Observed>,
): Promise<Body | undefined> {
  for (let known = inputTypes(node, types); known; ) {
    const alone = bodyOf(outer, types, graph, known);
    const tensors = alone && (await observe(alone).catch(() => undefined));
    if (!tensors) return undefined;
    const body = { ...alone, tensors };
    const wider = widened(node, body, known);
    if (!wider) return body;
    known = wider;
  }
  return undefined;
}

/** How many inputs of a Scan are states. */
const statesOf = (node: NodeProto): number =>
  node.input.length - Number(node.attribute.find(({ name }) => name === "num_scan_inputs")?.i ?? 0n);

/** Axes of a Scan, counted from the front. */
const axisOf = (node: NodeProto, attribute: string, i: number, rank: number): number => {
  const axis = Number(node.attribute.find(({ name }) => name === attribute)?.ints[i] ?? 0n);
  return axis < 0 ? axis + rank : axis;
};

/** The inputs of a node's graphs; undefined where one is not known. */
function inputTypes(node: NodeProto, types: Types): TensorType[] | undefined {
  const given = node.input.map((name) => types.get(name));
  const scalar = (type: DataType): TensorType => ({ type, dims: [], perImage: false });
  const wanted =
    node.opType === "If"
      ? []
      : node.opType === "Loop"
        ? [scalar(DataType.INT64), scalar(DataType.BOOL), ...given.slice(2)]
        : given.map((tensor, i) => {
            const slice = i - statesOf(node);
            if (!tensor || slice < 0) return tensor;
            const axis = axisOf(node, "scan_input_axes", slice, tensor.dims.length);
            return { ...tensor, dims: tensor.dims.filter((_, d) => d !== axis), perImage: false };
          });
  return wanted.every((tensor) => tensor !== undefined) ? wanted : undefined;
}

/** A graph inside a node, given the types of its inputs; undefined where something else that it reads is not known. */
function bodyOf(
  outer: IndexedGraph,
  types: Types,
  inner: GraphProto,
  known: readonly TensorType[],
): Unobserved | undefined {
  const own = withOwnNames(inner, new Set(ownNames(outer.graph)));
  const captures = capturesOf(own);
  const constants = captures.filter((name) => outer.constants.has(name));
  const read = captures.filter((name) => !outer.constants.has(name));
  if (known.length !== own.input.length || !read.every((name) => types.has(name))) return undefined;
  const { nodes, weights } = constantParts(outer, constants);
  const entries: [string, TensorType][] = [
    ...own.input.map(({ name }, i): [string, TensorType] => [name, known[i]]),
    ...read.map((name): [string, TensorType] => [name, types.get(name) as TensorType]),
  ];
  const input = entries.map(([name, tensor]) => infoOf({ name, ...tensor }));
  const initializer = [...own.initializer, ...outer.graph.initializer.filter(({ name }) => weights.has(name))];
  const { name, output, sparseInitializer } = own;
  const graph = makeGraph({ name, node: [...nodes, ...own.node], initializer, sparseInitializer, input, output });
  return { own, graph: indexGraph(outer.proto, graph) };
}

/** The graphs of a node that may run: of an If whose condition is known the branch that it takes. */
export function graphsTaken(node: NodeProto, condition: number | undefined): GraphProto[] {
  const taken =
    condition === undefined ? undefined : new Attributes(node).graph(condition ? "then_branch" : "else_branch");
  return taken ? [taken] : graphsIn(node);
}

/** The outputs of some nodes, and of all that reads them, but for what is known otherwise. */
export function behind(
  graph: GraphProto,
  nodes: ReadonlySet<NodeProto>,
  told: ReadonlyMap<string, unknown>,
): Set<string> {
  const found = new Set<string>();
  for (const node of graph.node)
    if (nodes.has(node) || inputsOf(node).some((name) => found.has(name) && !told.has(name)))
      for (const name of node.output) if (name) found.add(name);
  return found;
}

/** What a node's graphs tell of its outputs. */
export function outputTypes(
  outer: IndexedGraph,
  types: Types,
  node: NodeProto,
  bodies: readonly Body[],
): (TensorType | undefined)[] {
  const results = bodies.map(({ graph, tensors }) => graph.outputs.map((name) => tensors.get(name)));
  if (node.opType === "If") return node.output.map((_, i) => results.map((own) => own[i]).reduce(either));
  if (node.opType !== "Loop") return []; // The runtime tells.
  const [body] = bodies;
  const [, ...own] = results[0];
  const states = node.input.slice(2).map((name) => types.get(name));
  const steps = tripCount(outer, node, body);
  return node.output.map((_, i) => {
    const result = own[i];
    if (!result || !keepsShapes(body, node)) return undefined;
    return i < states.length ? result : { ...result, dims: [steps, ...result.dims], perImage: false };
  });
}

/** What a step of a Loop makes of the states. */
const statesAfter = ({ graph, tensors }: Body, node: NodeProto): (TensorType | undefined)[] =>
  node.input.slice(2).map((_, i) => tensors.get(graph.outputs[i + 1]));

/** Whether the states of a Loop have the same shape after a step as before it. */
export const keepsShapes = (body: Body, node: NodeProto): boolean =>
  statesAfter(body, node).every((after, i) => {
    const before = body.tensors.get(body.own.input[i + 2].name);
    return before !== undefined && String(before.dims) === String(after?.dims);
  });

/** The inputs of a Loop's body with those dimensions left open that nobody knows after a step; undefined where there are none. */
function widened(node: NodeProto, body: Body, known: readonly TensorType[]): TensorType[] | undefined {
  if (node.opType !== "Loop") return undefined;
  const states = statesAfter(body, node);
  const wider = known.map((type, i) => {
    const after = states[i - 2]?.dims;
    const same = after?.length === type.dims.length;
    return same ? { ...type, dims: type.dims.map((d, axis) => (after[axis] < 0 ? -1 : d)) } : type;
  });
  return wider.some(({ dims }, i) => String(dims) !== String(known[i].dims)) ? wider : undefined;
}

/** How often a Loop runs, where that is a number and nothing ends it before; else -1. */
function tripCount(outer: IndexedGraph, node: NodeProto, { own, graph }: Body): number {
  const [count] = (node.input[0] && constantValues(outer, node.input[0])) || [-1];
  const goesOn = (from: IndexedGraph, name: string) => !name || constantValues(from, name)?.[0] === 1;
  let next = graph.outputs[0];
  for (let at = graph.producer.get(next); at?.opType === "Identity"; at = graph.producer.get(next)) next = at.input[0];
  const passed = next === own.input[1].name;
  return goesOn(outer, node.input[1]) && (passed || goesOn(graph, next)) ? Math.max(0, count) : -1;
}

/** What holds of a tensor that is one or the other. */
function either(a: TensorType | undefined, b: TensorType | undefined): TensorType | undefined {
  if (a?.type !== b?.type || a?.dims.length !== b?.dims.length || !a || !b) return undefined;
  return { ...a, dims: a.dims.map((d, i) => (d === b.dims[i] ? d : -1)), perImage: a.perImage && b.perImage };
}
