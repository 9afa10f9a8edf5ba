/**
 * @file Names inside of graphs. A graph inside a node may name its tensors as the outer graph names those that come later; where the
 * graph is written once more, at the end, those have come. So its own tensors get names that no outer one has.
 */
import { graphsIn, ownNames, withGraphs } from "./model.ts";
import { changed, type GraphProto, makeGraph, type TensorProto, type ValueInfoProto, withName } from "./proto.ts";

/**
 * The graph, and those inside its nodes, with own names that are not in `taken`; the same object where they are not anyway.
 * @param renamed new names of outer tensors
 */
export function withOwnNames(
  graph: GraphProto,
  taken: ReadonlySet<string>,
  renamed: ReadonlyMap<string, string> = new Map(),
): GraphProto {
  const own = ownNames(graph);
  const visible = new Set([...taken, ...own]);
  const names = new Map([...renamed].filter(([name]) => !own.includes(name)));
  for (const name of own.filter((name) => taken.has(name))) {
    let fresh = `${name}/inside`;
    while (visible.has(fresh)) fresh += "'";
    visible.add(fresh);
    names.set(name, fresh);
  }
  const named = (name: string) => names.get(name) ?? name;
  const node = graph.node.map((n) => {
    const inside = graphsIn(n).map((g) => withOwnNames(g, visible, names));
    const same = names.size === 0 && inside.every((g, i) => g === graphsIn(n)[i]);
    return same ? n : changed(withGraphs(n, inside), { input: n.input.map(named), output: n.output.map(named) });
  });
  if (names.size === 0 && node.every((n, i) => n === graph.node[i])) return graph;
  const renamedIn = <T extends TensorProto | ValueInfoProto>(list: readonly T[]): T[] =>
    list.map((entry) => withName(entry, named(entry.name)));
  return makeGraph({
    name: graph.name,
    node,
    initializer: renamedIn(graph.initializer),
    input: renamedIn(graph.input),
    output: renamedIn(graph.output),
  });
}
