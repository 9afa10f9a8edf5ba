/** @file A graph as data: what the fuzzer draws, shrinks and prints, and the model that it stands for. */
import { changed, type NodeProto } from "../../src/onnx/proto.ts";
import { type Attributes, model, type Numbers, node, withFloats } from "../models.ts";

/** One node, and the constants that it alone reads. */
export interface Step {
  readonly opType: string;
  readonly domain?: string;
  /** "" where an optional input is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Attributes that are lists of floating-point numbers. */
  readonly floats: Readonly<Record<string, readonly number[]>>;
  readonly constants: Readonly<Record<string, Numbers>>;
}

export interface Graph {
  readonly opset: number;
  /** Whether the first dimension of the inputs is free. */
  readonly free: boolean;
  /** Float32 inputs by name. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly steps: readonly Step[];
  /** The first is the one that is projected. */
  readonly outputs: readonly string[];
}

export const constantsOf = (graph: Graph): Record<string, Numbers> =>
  Object.assign({}, ...graph.steps.map(({ constants }) => constants));

export function bytesOf(graph: Graph): Uint8Array {
  return model({
    opset: graph.opset,
    inputs: { ...graph.inputs, ...constantsOf(graph) },
    nodes: graph.steps.map(nodeOf),
    outputs: graph.outputs,
    free: graph.free ? Object.keys(graph.inputs) : [],
  });
}

function nodeOf({ opType, domain = "", inputs, outputs, attributes, floats }: Step): NodeProto {
  const named = (names: readonly string[]) => names.map((name) => name || "-").join(" ");
  const plain = changed(node(opType, named(inputs), named(outputs), attributes), { domain });
  return Object.entries(floats).reduce((made, [name, values]) => withFloats(made, name, [...values]), plain);
}

/** Steps that a tensor depends on, in order. */
export function stepsBehind(steps: readonly Step[], outputs: readonly string[]): Step[] {
  const needed = new Set(outputs);
  return steps
    .toReversed()
    .filter(({ inputs, outputs: made }) => {
      const wanted = made.some((name) => needed.has(name));
      if (wanted) for (const name of inputs) needed.add(name);
      return wanted;
    })
    .reverse();
}

/** The graph without what its outputs do not depend on. */
export function pruned(graph: Graph): Graph {
  const steps = stepsBehind(graph.steps, graph.outputs);
  const read = new Set(steps.flatMap(({ inputs }) => inputs));
  const inputs = Object.fromEntries(Object.entries(graph.inputs).filter(([name]) => read.has(name)));
  return { ...graph, steps, inputs };
}

/** A graph on a few lines, for a person who has to repeat it by hand. */
export function print(graph: Graph): string {
  const values = (numbers: readonly number[]) =>
    numbers.length > 12 ? "..." : numbers.map((v) => Number(v.toPrecision(4))).join(" ");
  const of = (name: string, { constants }: Step) => {
    const constant = constants[name];
    return constant ? `${name}[${constant.dims}]{${values(constant.values)}}` : name || "-";
  };
  const lines = graph.steps.map((step) => {
    const attributes = { ...step.attributes, ...step.floats };
    const shown = Object.keys(attributes).length ? ` ${JSON.stringify(attributes)}` : "";
    const inputs = step.inputs.map((name) => of(name, step)).join(", ");
    return `  ${step.outputs.map((name) => name || "-").join(", ")} = ${step.domain ? `${step.domain}.` : ""}${step.opType}(${inputs})${shown}`;
  });
  const inputs = Object.entries(graph.inputs).map(([name, dims]) => `${name}[${dims}]`);
  const batch = graph.free ? ", free batch" : "";
  return [`  opset ${graph.opset}${batch}; ${inputs.join(", ")} -> ${graph.outputs.join(", ")}`, ...lines].join("\n");
}
