/**
 * @file The nodes of a graph, each behind those that it reads. The standard asks it of files, but ONNX Runtime sorts nodes itself, so
 * that there are files in another order. A graph that is in order stays as it is.
 */
import { UserError } from "../errors.ts";
import { describe, graphsIn, inputsOf, withGraphs } from "./graphs.ts";
import { changed, type GraphProto, type NodeProto } from "./proto.ts";

/**
 * The graph, and those inside its nodes, in topological order; the same object where they are.
 * @throws UserError `invalid-model` for nodes that read each other.
 */
export function inOrder(graph: GraphProto): GraphProto {
  const inside = graph.node.map(insideInOrder);
  const node = sorted(inside);
  return node.every((n, i) => n === graph.node[i]) ? graph : changed(graph, { node });
}

function insideInOrder(node: NodeProto): NodeProto {
  const graphs = graphsIn(node);
  if (graphs.length === 0) return node;
  const ordered = graphs.map(inOrder);
  return ordered.every((graph, i) => graph === graphs[i]) ? node : withGraphs(node, ordered);
}

/** Each node is placed behind what it reads, and otherwise where the file has it. */
function sorted(nodes: NodeProto[]): NodeProto[] {
  const maker = new Map<string, number>();
  for (const [i, { output }] of nodes.entries()) for (const name of output) if (name) maker.set(name, i);
  const read = nodes.map((node) => inputsOf(node).flatMap((name) => maker.get(name) ?? []));
  if (read.every((makers, i) => makers.every((j) => j < i))) return nodes;

  const order: NodeProto[] = [];
  const state = new Uint8Array(nodes.length); // 1: begun, 2: placed
  for (const first of nodes.keys()) {
    const path = [first]; // A stack of its own, for chains are long.
    while (path.length) {
      const at = path[path.length - 1];
      if (state[at] === 0) {
        state[at] = 1;
        for (const maker of read[at].toReversed()) {
          if (state[maker] === 1) throw cycle(nodes[maker]);
          if (state[maker] === 0) path.push(maker);
        }
      } else {
        path.pop();
        if (state[at] === 1) order.push(nodes[at]);
        state[at] = 2;
      }
    }
  }
  return order;
}

const cycle = (node: NodeProto): UserError =>
  new UserError("invalid-model", `invalid model: ${describe(node)} depends on its own output`);
