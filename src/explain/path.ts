/** @file What lies between a layer and the score: the nodes that a gradient passes, for a person to look at. */
import { dependents } from "../autodiff/dependents.ts";
import type { Model } from "../onnx/model.ts";
import { nameOf as key, loadOperators, operators } from "../ops/index.ts";
import { ancestors } from "../read/score.ts";
import type { Explainer } from "./explainer.ts";

/** A node on the path. */
export interface Step {
  readonly operator: string;
  /** The node's output. */
  readonly tensor: string;
  /** Of the output; -1 where only the run knows. */
  readonly shape: readonly number[];
  /** The steps that it reads, by their index; -1 for the layer. */
  readonly from: readonly number[];
  /** Whether its gradient is known. */
  readonly rule: boolean;
}

/** The nodes from a layer to the score, in the order in which they run. */
export function pathOf({ model, tensors, score }: Explainer, layer: string): Step[] {
  const active = dependents(model, tensors, [layer]);
  const wanted = ancestors(model, [score.name]);
  const index = new Map([[layer, -1]]);
  const steps: Step[] = [];
  for (const node of model.graph.node) {
    const tensor = node.output.find((name) => active.has(name) && wanted.has(name) && name !== layer);
    const from = node.input.map((name) => index.get(name)).filter((i) => i !== undefined);
    if (!tensor || from.length === 0) continue;
    for (const name of node.output) index.set(name, steps.length);
    const shape = tensors.get(tensor)?.dims ?? [];
    steps.push({ operator: key(node), tensor, shape, from: [...new Set(from)], rule: operators.has(key(node)) });
  }
  return steps;
}

/** The operators of a model that have no gradient rule, and how often each is there. */
export async function operatorsWithoutRule(model: Model): Promise<Map<string, number>> {
  await loadOperators(model.graph.node.map(key));
  const counts = new Map<string, number>();
  for (const node of model.graph.node)
    if (!operators.has(key(node))) counts.set(key(node), (counts.get(key(node)) ?? 0) + 1);
  return counts;
}
