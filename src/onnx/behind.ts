/** @file What lies behind a tensor: the nodes that make others of it. */
import { inputsOf, type Model } from "./model.ts";
import type { NodeProto } from "./proto.ts";

/** The nodes that depend on a tensor, in order, as far as something wanted depends on them. */
export function nodesBehind({ graph }: Model, tensor: string, wanted: readonly string[]): NodeProto[] {
  const behind = new Set([tensor]);
  const after = graph.node.filter((node) => {
    const reads = !node.output.includes(tensor) && inputsOf(node).some((name) => behind.has(name));
    if (reads) for (const name of node.output) if (name) behind.add(name);
    return reads;
  });
  const needed = new Set(wanted);
  return after
    .toReversed()
    .filter((node) => {
      const isNeeded = node.output.some((name) => needed.has(name));
      if (isNeeded) for (const name of inputsOf(node)) needed.add(name);
      return isNeeded;
    })
    .toReversed();
}
