/** @file A model as the rest of the package reads it: its nodes, who makes a tensor, who reads it, what is constant. */
import { expects, UserError } from "../errors.ts";
import { inputsOf, namesIn, shown } from "./graphs.ts";
import { inOrder } from "./order.ts";
import {
  type AttributeProto,
  changed,
  declaredDims,
  decodeModel,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  tensorValues,
  type ValueInfoProto,
} from "./proto.ts";

export { capturesOf, describe, graphsIn, inputsOf, ownNames, withGraphs } from "./graphs.ts";

/** The attributes of a node, with the defaults of the standard given by the reader. */
export class Attributes {
  readonly #byName: Map<string, AttributeProto>;
  constructor(node: NodeProto) {
    this.#byName = new Map(node.attribute.map((a) => [a.name, a]));
  }
  has(name: string): boolean {
    return this.#byName.has(name);
  }
  int<D extends number | undefined>(name: string, otherwise: D): number | D {
    const a = this.#byName.get(name);
    return a ? Number(a.i) : otherwise;
  }
  float(name: string, otherwise: number): number {
    return this.#byName.get(name)?.f ?? otherwise;
  }
  string(name: string, otherwise: string): string {
    const a = this.#byName.get(name);
    return a ? new TextDecoder().decode(a.s) : otherwise;
  }
  ints(name: string): number[] | undefined {
    return this.#byName.get(name)?.ints.map(Number);
  }
  floats(name: string): number[] | undefined {
    return this.#byName.get(name)?.floats;
  }
  strings(name: string): string[] | undefined {
    return this.#byName.get(name)?.strings.map((s) => new TextDecoder().decode(s));
  }
  tensor(name: string): TensorProto | undefined {
    return this.#byName.get(name)?.t;
  }
  graph(name: string): GraphProto | undefined {
    return this.#byName.get(name)?.g;
  }
}

/** A graph, its nodes in topological order, and who makes and reads its tensors: a model's, or one inside a node (If, Loop, Scan). */
export interface IndexedGraph {
  /** The model that it belongs to. */
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  /** Version of the standard operators (domain "" or "ai.onnx"). */
  readonly opset: number;
  /** What a caller feeds: graph inputs that are not initialisers. */
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly producer: ReadonlyMap<string, NodeProto>;
  readonly consumers: ReadonlyMap<string, readonly NodeProto[]>;
  /** Tensors that depend on no input. */
  readonly constants: ReadonlySet<string>;
}

/** A parsed model. `bytes` are the file's own; nothing here changes them. */
export interface Model extends IndexedGraph {
  readonly bytes: Uint8Array;
  /** What was mended when the file was read, and still stands in its bytes: nodes out of order, initialisers of the same name. */
  readonly mended?: { readonly order: boolean; readonly twins: boolean };
  /** Why the bytes are not those of the file that was opened. */
  readonly rewritten?: readonly string[];
}

/**
 * Reads an ONNX file.
 * @throws UserError `invalid-model` when the bytes are not a complete ONNX model.
 */
export function readModel(bytes: Uint8Array): Model {
  const proto = parse(bytes);
  const graph = proto.graph as GraphProto;
  const whole = withoutTwins(inOrder(graph));
  const mended = { order: whole.node !== graph.node, twins: whole.initializer !== graph.initializer };
  const model =
    whole === graph ? indexModel(bytes, proto) : { ...indexModel(bytes, changed(proto, { graph: whole })), mended };
  checkOutputs(model);
  return model;
}

/** @throws UserError `invalid-model` for an output that nothing in the graph makes. */
function checkOutputs({ outputs, producer, constants, inputs }: Model): void {
  const given = new Set(inputs.map(({ name }) => name));
  for (const name of outputs)
    if (!producer.has(name) && !constants.has(name) && !given.has(name))
      throw new UserError("invalid-model", `invalid model: no node computes its output "${shown(name)}"`);
}

/** Of initialisers of one name, the last one holds: as in ONNX Runtime. */
function withoutTwins(graph: GraphProto): GraphProto {
  const last = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  return last.size === graph.initializer.length ? graph : changed(graph, { initializer: [...last.values()] });
}

function parse(bytes: Uint8Array): ModelProto {
  expects(bytes instanceof Uint8Array, "model", bytes, "an ONNX file's bytes, a Uint8Array");
  if (bytes.length === 0) throw new UserError("invalid-model", "invalid model: not an ONNX file (it is empty)");
  let proto: ModelProto;
  try {
    proto = decodeModel(bytes);
  } catch (cause) {
    throw new UserError("invalid-model", "invalid model: not an ONNX file, or a truncated one", { cause });
  }
  if (!proto.graph?.node.length || !proto.opsetImport.length) {
    throw new UserError("invalid-model", "invalid model: not an ONNX file (no graph with nodes and operator sets)");
  }
  const { input, initializer } = proto.graph;
  for (const { name, dims } of [...input.map((i) => ({ name: i.name, dims: declaredDims(i) ?? [] })), ...initializer])
    if (dims.some((d) => typeof d !== "string" && !(Number(d) <= Number.MAX_SAFE_INTEGER && Number(d) >= -1)))
      throw new UserError("invalid-model", `invalid model: "${shown(name)}" has the dimensions [${dims.join(",")}]`);
  return proto;
}

/** Indexes a parsed model; `bytes` must be its encoding. Sequences and maps are no outputs here: JavaScript cannot fetch them. */
export function indexModel(bytes: Uint8Array, proto: ModelProto): Model {
  const index = indexGraph(proto, proto.graph as GraphProto);
  const tensors = index.graph.output.filter(({ type }) => !type?.value.case || type.value.case === "tensorType");
  return { bytes, ...index, outputs: tensors.map(({ name }) => name) };
}

export function indexGraph(proto: ModelProto, graph: GraphProto): IndexedGraph {
  const standard = proto.opsetImport.filter(({ domain }) => domain === "" || domain === "ai.onnx").at(-1);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const held = new Set([...initializers.keys(), ...graph.sparseInitializer.map(({ values }) => values?.name ?? "")]);
  const producer = new Map<string, NodeProto>();
  const consumers = new Map<string, NodeProto[]>();
  const constants = new Set(held);
  for (const node of graph.node) {
    let constant = !node.opType.startsWith("Random");
    for (const name of new Set(inputsOf(node))) {
      if (!name) continue;
      const readers = consumers.get(name);
      if (readers) readers.push(node);
      else consumers.set(name, [node]);
      constant &&= constants.has(name);
    }
    for (const name of node.output) {
      if (name) producer.set(name, node);
      if (name && constant) constants.add(name);
    }
  }
  return {
    proto,
    graph,
    opset: Number(standard?.version ?? 0n),
    inputs: graph.input.filter(({ name }) => !held.has(name)),
    outputs: graph.output.map(({ name }) => name),
    initializers,
    producer,
    consumers,
    constants,
  };
}

/** A model of a message whose bytes are made when they are first read: who only differentiates it never needs them. */
export function indexLazily(proto: ModelProto): Model {
  let bytes: Uint8Array | undefined;
  const model = indexModel(new Uint8Array(), proto);
  return Object.defineProperty({ ...model }, "bytes", {
    enumerable: true,
    get: () => {
      bytes ??= encodeModel(proto);
      return bytes;
    },
  });
}

/** What constant tensors are made of: nodes in their order, and the names of initialisers. */
export function constantParts(
  { graph, producer }: IndexedGraph,
  names: Iterable<string>,
): { nodes: NodeProto[]; weights: ReadonlySet<string> } {
  const made = new Set<NodeProto>();
  const weights = new Set<string>();
  const wanted = [...names];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const node = producer.get(name);
    if (!node) weights.add(name);
    else if (!made.has(node)) {
      made.add(node);
      for (const input of inputsOf(node)) if (input) wanted.push(input);
    }
  }
  return { nodes: graph.node.filter((node) => made.has(node)), weights };
}

/** The numbers of a constant tensor (an initialiser or a Constant node); undefined where it is neither. */
export function constantValues(model: IndexedGraph, name: string): number[] | undefined {
  const tensor = model.initializers.get(name);
  if (tensor) return tensorValues(tensor);
  const node = model.producer.get(name);
  if (node?.opType === "Identity") return constantValues(model, node.input[0]);
  if (node?.opType !== "Constant") return undefined;
  const attributes = new Attributes(node);
  const value = attributes.tensor("value");
  if (value) return tensorValues(value);
  if (attributes.has("value_int")) return [attributes.int("value_int", 0)];
  if (attributes.has("value_float")) return [attributes.float("value_float", 0)];
  return attributes.ints("value_ints") ?? attributes.floats("value_floats");
}

/** The numbers of an attribute, or of the input that later operator sets have in its place; undefined where only the run knows them. */
export function argumentOf(
  model: IndexedGraph,
  tensors: ReadonlyMap<string, { readonly values?: readonly number[] }>,
  node: NodeProto,
  input: number,
  attribute: string,
): readonly number[] | undefined {
  const name = node.input[input];
  const stated = node.attribute.find((a) => a.name === attribute)?.ints.map(Number);
  return stated ?? (name ? (constantValues(model, name) ?? tensors.get(name)?.values) : undefined);
}

/** A start of names that no tensor of the model has. */
export function freshPrefix(model: Model): string {
  const names = [...namesIn(model.graph)];
  let prefix = "grad/";
  while (names.some((name) => name.startsWith(prefix))) prefix = `grad${prefix}`;
  return prefix;
}
