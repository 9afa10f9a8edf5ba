/** @file Writing graphs inside nodes: what If, Loop and Scan run. */
import type { Builder, Value } from "./build.ts";
import { range } from "./dims.ts";
import { type GraphProto, infoOf, makeGraph, makeNode, makeValueInfo } from "./proto.ts";

/** The graph that `inner` has written, as an attribute. */
export function graphOf(
  inner: Builder,
  inputs: readonly Value[],
  results: readonly Value[],
): { readonly graph: GraphProto } {
  // Each result has a name of its own: one that is two results at once, or an outer tensor, would share its memory.
  const outputs = results.map(
    (v, i) => inner.emit([v], [v], `result ${i}`, (names) => makeNode("Identity", [v.name], names))[0],
  );
  const { nodes, initializers } = inner.collect(outputs);
  const input = inputs.map(infoOf);
  const output = outputs.map(({ name, type }) => makeValueInfo(name, type));
  return { graph: makeGraph({ name: inner.fresh(), node: nodes, initializer: initializers, input, output }) };
}

/** What {@link scan} runs. */
export interface Recurrence {
  readonly states: readonly Value[];
  /** Tensors that are cut along their first axis. */
  readonly sequences: readonly Value[];
  readonly reverse?: boolean;
  step(
    build: Builder,
    states: readonly Value[],
    slices: readonly Value[],
  ): { readonly states: readonly Value[]; readonly outputs: readonly Value[] };
}

/**
 * A recurrence along the first axis: `step` says, in nodes of the builder it is given, what one step makes of the states and of
 * one slice of each sequence. It may read any tensor of the outer graph.
 * One step is no loop: its nodes are the graph's own.
 * @returns the last states, and the outputs of all steps stacked; in `reverse` the steps run from the last to the first.
 */
export function scan(
  build: Builder,
  { states, sequences, reverse = false, step }: Recurrence,
): { states: Value[]; outputs: Value[] } {
  const length = sequences[0].dims?.[0] ?? -1;
  if (length === 1) {
    const slices = sequences.map((v) => build.squeeze(v, [0]));
    const { states: after, outputs } = step(build, states, slices);
    return { states: [...after], outputs: outputs.map((v) => build.unsqueeze(v, [0])) };
  }
  const inner = build.nested();
  const own = (v: Value, dims?: readonly number[]) => inner.input(v.type, dims ?? []);
  const before = states.map((v) => own(v, v.dims));
  const slices = sequences.map((v) => own(v, v.dims?.slice(1)));
  const after = step(inner, before, slices);
  const directions = (count: number) => range(count).map(() => (reverse ? 1 : 0));
  const attributes = {
    num_scan_inputs: sequences.length,
    body: graphOf(inner, [...before, ...slices], [...after.states, ...after.outputs]),
    scan_input_directions: directions(sequences.length),
    scan_output_directions: directions(after.outputs.length),
  };
  const made = build.ops("Scan", [...states, ...sequences], attributes, [
    ...states.map(({ type, dims }) => ({ type, dims })),
    ...after.outputs.map(({ type, dims }) => ({ type, dims: dims && [length, ...dims] })),
  ]);
  return { states: made.slice(0, states.length), outputs: made.slice(states.length) };
}
