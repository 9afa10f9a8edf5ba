/** @file Other names for the tensors of a graph. */
import {
  type AttributeProto,
  changed,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
  withName,
} from "./proto.ts";

/** The graph with other names for its tensors; those of inner graphs (If, Loop, Scan) too, since they share one space of names. */
export function renamed(graph: GraphProto, rename: (name: string) => string): GraphProto {
  const named = <T extends TensorProto | ValueInfoProto>(one: T): T => withName(one, rename(one.name));
  const sparse = graph.sparseInitializer.map((one) => changed(one, { values: one.values && named(one.values) }));
  return changed(graph, {
    node: graph.node.map((node) => renamedNode(node, rename)),
    initializer: graph.initializer.map(named),
    sparseInitializer: sparse,
    input: graph.input.map(named),
    output: graph.output.map(named),
    valueInfo: [],
    quantizationAnnotation: [],
  });
}

export function renamedNode(node: NodeProto, rename: (name: string) => string): NodeProto {
  const all = (names: readonly string[]) => names.map((name) => name && rename(name));
  const inner = (attribute: AttributeProto): AttributeProto =>
    changed(attribute, {
      g: attribute.g && renamed(attribute.g, rename),
      graphs: attribute.graphs.map((graph) => renamed(graph, rename)),
    });
  return changed(node, {
    name: node.name && rename(node.name),
    input: all(node.input),
    output: all(node.output),
    attribute: node.attribute.map((a) => (a.g || a.graphs.length ? inner(a) : a)),
  });
}
