/**
 * @file What If, Loop and Scan share: a graph inside a node is written once more inside a node of the adjoint, as far as it is needed,
 * with its own adjoint behind it. What it reads of the outer graph it reads there too.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { graphsIn } from "../onnx/model.ts";
import { DataType, type GraphProto } from "../onnx/proto.ts";
import { type Call, type Inside, unsupported } from "./op.ts";

const drawn = /^Random|^Bernoulli$|^Multinomial$/;
const draws = ({ node }: GraphProto): boolean =>
  node.some((inner) => drawn.test(inner.opType) || graphsIn(inner).some(draws));

/** The graph that is an attribute of the node, its nodes adopted by `inner`. */
export function enter({ node, inside }: Call, name: string, inner: Builder): Inside {
  const entered = inside(name);
  if (draws(entered.own)) unsupported(node, `its ${name} draws random numbers, which would differ in a second run`);
  inner.adopt(entered.own.node, entered.own.initializer);
  return entered;
}

/** A tensor of the graph, by its name; a float32 scalar where nothing is known of it. */
export const tensorOf = ({ tensors }: Inside, name: string): Value => ({
  name,
  type: tensors.get(name)?.type ?? DataType.FLOAT,
  dims: tensors.get(name)?.dims,
});

/** The gradients of tensors in `wrt`, where there are any, from those of the graph's outputs (a hole for one that has none). */
export function adjoint(
  entered: Inside,
  inner: Builder,
  dy: readonly (Value | undefined)[],
  wrt: readonly string[],
): ReadonlyMap<string, Value> {
  const seeds = new Map<string, Value>();
  entered.graph.outputs.forEach((name, i) => {
    const [before, given] = [seeds.get(name), dy[i]];
    if (!given) return;
    const seed = { ...given, dims: entered.tensors.get(name)?.dims };
    seeds.set(name, before ? inner.add(before, seed) : seed);
  });
  return entered.differentiate(inner, seeds, wrt);
}

/** The gradients of all inputs from those by place. */
export const placed = ({ inputs }: Call, places: readonly number[], values: readonly Value[]): (Value | null)[] =>
  inputs.map((_, i) => values[places.indexOf(i)] ?? null);
