/**
 * @file Operators that are others put together. Their forward pass is written in standard nodes, and the rules of those give the
 * gradient. What of these nodes no rule reads is never written, so an operator may stand here by its name alone even where
 * the model's operator set has no such node, if its rule reads only its inputs.
 */
import type { Made, Value } from "../onnx/build.ts";
import { Attributes } from "../onnx/model.ts";
import { DataType } from "../onnx/proto.ts";
import { gradientType, isFloat } from "../onnx/types.ts";
import { type Call, type Neighbours, type Op, valuesOf } from "./op.ts";

/** The outputs of a node, made of its inputs; a hole where an output has no gradient. */
export type Forward = (call: Call) => readonly (Value | undefined)[];

/** An operator by its forward pass in standard nodes. */
export const composed = (forward: Forward, known: Omit<Op, "vjp"> = {}): Op => ({
  ...known,
  vjp: (c) => {
    const seeds = forward(c).flatMap((y, i) => (y && c.dy[i] ? [[y, c.dy[i]] as const] : []));
    const found = sweep(
      c,
      seeds,
      c.x.filter((x, i) => x && c.needs[i]),
    );
    // One tensor at several inputs: its gradient is given once.
    return c.x.map((x, i) =>
      x && c.needs[i] && c.x.findIndex((other, j) => other?.name === x.name && c.needs[j]) === i
        ? (found.get(x.name) ?? null)
        : null,
    );
  },
});

/** The reverse sweep over nodes of the builder. */
function sweep(c: Call, seeds: readonly (readonly [Value, Value])[], wrt: readonly Value[]): Map<string, Value> {
  const { build } = c;
  const active = new Set(wrt.map(({ name }) => name));
  const path: Made[] = [];
  for (const made of build.made) {
    // Other rules' nodes are among them, of operators that are not loaded: only those that read what is active are asked about.
    if (!made.inputs.some((v) => v && active.has(v.name)) || c.operator(made.node)?.vjp === "zero") continue;
    path.push(made);
    for (const v of made.outputs) if (isFloat(v.type)) active.add(v.name);
  }
  const around: Neighbours = {
    producer: (name) => path.find(({ node }) => node.output.includes(name))?.node ?? c.around.producer(name),
    consumers: (name) => path.flatMap(({ node }) => (node.input.includes(name) ? [node] : [])),
    value: (name) =>
      path.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).find((v) => v?.name === name) ??
      c.around.value(name),
    numbers: (name) => build.numbersOf({ name, type: DataType.FLOAT }) ?? c.around.numbers(name),
    active: (name) => active.has(name) || c.around.active(name),
    seeded: (name) => seeds.some(([y]) => y.name === name),
  };
  const totals = new Map<string, Value>();
  const add = (to: Value, term: Value) => {
    const before = totals.get(to.name);
    totals.set(to.name, { ...(before ? build.add(before, term) : term), dims: to.dims });
  };
  for (const [y, dy] of seeds) if (active.has(y.name)) add(y, dy);
  for (const { node, inputs, outputs } of path.toReversed()) {
    if (!outputs.some(({ name }) => totals.has(name))) continue;
    const op = c.operator(node);
    if (!op || op.vjp === "zero") continue;
    const needs = inputs.map((v) => v !== undefined && active.has(v.name));
    const call: Call = {
      ...c,
      node,
      inputs: node.input,
      attributes: new Attributes(node),
      x: valuesOf(inputs as Value[]),
      y: valuesOf(outputs),
      outputTypes: outputs.map(({ type }) => gradientType(type)),
      dy: valuesOf(outputs.map((v) => totals.get(v.name) ?? build.zerosLike(v))),
      needs,
      opset: build.opset,
      constant: (i) => (inputs[i] ? build.numbersOf(inputs[i]) : undefined),
      around,
    };
    op.vjp(call).forEach((dx, i) => {
      const x = inputs[i];
      if (dx && x && needs[i]) add(x, dx);
    });
  }
  return totals;
}
