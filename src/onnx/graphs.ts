/** @file Graphs inside of nodes (If, Loop, Scan): which there are, what they read of the graph around them, and names. */
import { changed, type GraphProto, type NodeProto } from "./proto.ts";

/** The graphs inside a node. */
export function graphsIn(node: NodeProto): GraphProto[] {
  const graphs: GraphProto[] = [];
  for (const a of node.attribute) {
    if (a.g) graphs.push(a.g);
    if (a.graphs.length) graphs.push(...a.graphs);
  }
  return graphs;
}

/** The node with its graphs, in their order, replaced. */
export function withGraphs(node: NodeProto, graphs: readonly GraphProto[]): NodeProto {
  const rest = [...graphs];
  const attribute = node.attribute.map((a) =>
    a.g || a.graphs.length
      ? changed(a, { g: a.g && rest.shift(), graphs: a.graphs.map(() => rest.shift() as GraphProto) })
      : a,
  );
  return changed(node, { attribute });
}

/** The tensors that a graph makes, holds or is given; not those of graphs inside its nodes. */
export function ownNames({ node, initializer, sparseInitializer, input }: GraphProto): string[] {
  const names: string[] = [];
  for (const { output } of node) for (const name of output) if (name) names.push(name);
  for (const { name } of initializer) names.push(name);
  for (const { values } of sparseInitializer) if (values) names.push(values.name);
  for (const { name } of input) names.push(name);
  return names;
}

/** Tensors of the outer graph that a graph inside a node reads, each once. */
export function capturesOf(graph: GraphProto): string[] {
  const own = new Set(ownNames(graph));
  const reads = new Set<string>();
  for (const node of graph.node) for (const name of inputsOf(node)) reads.add(name);
  for (const { name } of graph.output) reads.add(name);
  return [...reads].filter((name) => name && !own.has(name));
}

/** What a node reads: its inputs, and then what the graphs inside it read of the outer graph. */
export function inputsOf(node: NodeProto): readonly string[] {
  const graphs = graphsIn(node);
  return graphs.length === 0 ? node.input : [...node.input, ...new Set(graphs.flatMap(capturesOf))];
}

/** Every name in a graph, and in the graphs inside its nodes. */
export function namesIn(graph: GraphProto, names: Set<string> = new Set()): Set<string> {
  for (const name of ownNames(graph)) names.add(name);
  for (const node of graph.node) for (const inner of graphsIn(node)) namesIn(inner, names);
  return names;
}

/** A name from a file on one line, whatever is in it. */
export const shown = (name = ""): string => JSON.stringify(name).slice(1, -1).slice(0, 200);

/** How an error names a node: its operator, and its name or first output. */
export const describe = (node: NodeProto): string =>
  `${node.domain && node.domain !== "ai.onnx" ? `${node.domain}.` : ""}${node.opType} node "${shown(node.name || node.output[0])}"`;
