/** @file Which tensors depend on which. */
import { type IndexedGraph, inputsOf } from "../onnx/model.ts";
import { DataType } from "../onnx/proto.ts";
import { isFloat, isQuantized } from "../onnx/types.ts";
import { operatorOf } from "../ops/index.ts";
import type { Op } from "../ops/op.ts";

/** Tensors that change when those in `wrt` do: floats, and the small integers that quantisation makes of them. */
export function dependents(
  model: IndexedGraph,
  tensors: ReadonlyMap<string, { readonly type: DataType }>,
  wrt: Iterable<string>,
): Set<string> {
  const active = new Set(wrt);
  const typeOf = (name: string) => tensors.get(name)?.type ?? DataType.FLOAT;
  for (const node of model.graph.node) {
    const op = operatorOf(node);
    const reads = inputsOf(node).filter((name) => active.has(name));
    if (op?.vjp === "zero" || reads.length === 0) continue;
    const steps = op?.quantizes || reads.some((name) => isQuantized(typeOf(name)));
    for (const name of node.output)
      if (name && (isFloat(typeOf(name)) || (steps && isStep(typeOf(name), op)))) active.add(name);
  }
  return active;
}

/** Whether a tensor of whole numbers is one of quantised steps; sums of them have 32 bits. */
const isStep = (type: DataType, op: Op | undefined): boolean =>
  isQuantized(type) || (op?.quantizes === true && type === DataType.INT32);
