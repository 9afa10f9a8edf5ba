/** @file A model as the rest of the package reads it: its nodes, who makes a tensor, who reads it, what is constant. */
import { UserError } from "../errors.ts";
import {
  type AttributeProto,
  decodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  tensorValues,
  type ValueInfoProto,
} from "./proto.ts";

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
  /** Whether the node holds graphs of its own (If, Loop, Scan). */
  get hasGraph(): boolean {
    return [...this.#byName.values()].some((a) => a.g !== undefined || a.graphs.length > 0);
  }
}

/** A parsed model. `bytes` are the file's own; nothing here changes them. */
export interface Model {
  readonly bytes: Uint8Array;
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

/**
 * Reads an ONNX file.
 * @throws UserError `invalid-model` when the bytes are not a complete ONNX model.
 */
export function readModel(bytes: Uint8Array): Model {
  return indexModel(bytes, parse(bytes));
}

function parse(bytes: Uint8Array): ModelProto {
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
  return proto;
}

/** Indexes a parsed model; `bytes` must be its encoding. */
export function indexModel(bytes: Uint8Array, proto: ModelProto): Model {
  const graph = proto.graph as GraphProto;
  const standard = proto.opsetImport.filter(({ domain }) => domain === "" || domain === "ai.onnx").at(-1);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const sparse = graph.sparseInitializer.map(({ values }) => values?.name ?? "");
  const producer = new Map<string, NodeProto>();
  const consumers = new Map<string, NodeProto[]>();
  const constants = new Set([...initializers.keys(), ...sparse]);
  for (const node of graph.node) {
    const reads = [...new Set([...node.input, ...outerReads(node)])].filter(Boolean);
    for (const name of reads) consumers.set(name, [...(consumers.get(name) ?? []), node]);
    const constant = !node.opType.startsWith("Random") && reads.every((name) => constants.has(name));
    for (const name of node.output) {
      if (name) producer.set(name, node);
      if (name && constant) constants.add(name);
    }
  }
  return {
    bytes,
    proto,
    graph,
    opset: Number(standard?.version ?? 0n),
    inputs: graph.input.filter(({ name }) => !initializers.has(name)),
    outputs: graph.output.map(({ name }) => name),
    initializers,
    producer,
    consumers,
    constants,
  };
}

/** Tensors of the outer graph that a node's own graphs (If, Loop, Scan) read. */
export function outerReads(node: NodeProto): string[] {
  const graphs = node.attribute.flatMap((a) => (a.g ? [a.g, ...a.graphs] : a.graphs));
  return graphs.flatMap((graph) => {
    const own = new Set([
      ...graph.input.map(({ name }) => name),
      ...graph.initializer.map(({ name }) => name),
      ...graph.node.flatMap(({ output }) => output),
    ]);
    const reads = [
      ...graph.node.flatMap((inner) => [...inner.input, ...outerReads(inner)]),
      ...graph.output.map(({ name }) => name),
    ];
    return reads.filter((name) => name && !own.has(name));
  });
}

/** The numbers of a constant tensor (an initialiser or a Constant node); undefined where it is neither. */
export function constantValues(model: Model, name: string): number[] | undefined {
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

/** How an error names a node: its operator, and its name or first output. */
export const describe = (node: NodeProto): string =>
  `${node.domain && node.domain !== "ai.onnx" ? `${node.domain}.` : ""}${node.opType} node "${node.name || node.output[0]}"`;

/** A start of names that no tensor of the model has. */
export function freshPrefix(model: Model): string {
  const taken = (prefix: string) =>
    [...model.producer.keys(), ...model.initializers.keys()].some((name) => name.startsWith(prefix));
  let prefix = "grad/";
  while (taken(prefix)) prefix = `grad${prefix}`;
  return prefix;
}
