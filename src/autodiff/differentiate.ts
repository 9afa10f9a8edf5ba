/**
 * @file The reverse sweep: from the gradient of the score with respect to some tensors (the seeds) to its gradient with respect to
 * others, graph to graph. Nothing is run, and the result is ONNX again.
 */
import { InternalError, listing, UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { Attributes, constantValues, describe, type IndexedGraph, inputsOf } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { gradientType, isFloat, isQuantized } from "../onnx/types.ts";
import { nameOf, operatorOf } from "../ops/index.ts";
import { type Call, type Inside, type Neighbours, type Op, type Rule, unsupported, valuesOf } from "../ops/op.ts";
import { dimsOfRows } from "../ops/rows.ts";
import { dependents } from "./dependents.ts";
import { type Cotangent, pullBack, total, whole } from "./rows.ts";

/** Rules that take the place of the table's, by operator: how guided backpropagation differs from the plain gradient. */
export interface Overrides extends ReadonlyMap<string, Rule> {
  /** What stands for an operator that it does not name; the operator's own by default. */
  readonly others?: (node: NodeProto, own: Op) => Op;
  /** Whether a seed is a part of the tensor that it seeds, and so is multiplied with it: relevance starts as the score itself. */
  readonly scored?: boolean;
}

/** A table's rules in place of those of another. */
export const joined = (base: Overrides, table: Overrides): Overrides =>
  Object.assign(new Map([...base, ...table]), { others: table.others, scored: table.scored });

/** What the sweep needs to know of tensors: their types, and their shapes where those are known. */
export interface Seen extends ReadonlyMap<string, Pick<TensorType, "type" | "values"> & Pick<Value, "dims">> {
  readonly bodies: Observed["bodies"];
}

export interface Sweep {
  readonly build: Builder;
  readonly seeds: ReadonlyMap<string, Value>;
  /** Tensors to differentiate with respect to. */
  readonly wrt: readonly string[];
  readonly overrides?: Overrides;
}

/**
 * Builds the gradients of sum_o <seeds[o], o> with respect to the tensors in `wrt`.
 * @returns the gradient of each, in its shape; float32 for half precision.
 * @throws UserError `unsupported-operator` naming a node without a rule, `no-path` for a tensor that no seed depends on.
 */
export function differentiate(model: IndexedGraph, tensors: Seen, asked: Sweep): Map<string, Value> {
  const { build, seeds, overrides } = asked;
  const parts = [...seeds].map(([name, seed]) => [name, build.mul(seed, forwardValue(build, tensors, name))] as const);
  const found = gradientsFound(model, tensors, overrides?.scored ? { ...asked, seeds: new Map(parts) } : asked);
  return new Map(asked.wrt.map((name) => [name, found.get(name) ?? withoutPath(model, name, asked.seeds)]));
}

/** The gradients of those in `wrt` that a seed depends on. */
export function gradientsFound(
  model: IndexedGraph,
  tensors: Seen,
  { build, seeds, wrt, overrides }: Sweep,
): ReadonlyMap<string, Value> {
  const active = dependents(model, tensors, wrt);
  const terms = new Map<string, Cotangent[]>([...seeds].map(([name, value]) => [name, [{ value }]]));
  const forward = (name: string) => forwardValue(build, tensors, name);
  const around: Neighbours = {
    producer: (name) => model.producer.get(name),
    consumers: (name) => model.consumers.get(name) ?? [],
    value: forward,
    numbers: (name) => constantValues(model, name) ?? tensors.get(name)?.values,
    active: (name) => active.has(name),
    seeded: (name) => seeds.has(name),
  };
  const gradients = new Map<string, Cotangent>();

  /** All consumers of a tensor come before its producer here, so its terms are complete when it is asked for. */
  const gradientOf = (name: string): Cotangent | undefined => {
    const arrived = terms.get(name);
    if (!arrived || gradients.has(name)) return gradients.get(name);
    const sum = total(build, arrived, tensors.get(name)?.dims);
    gradients.set(name, sum);
    return sum;
  };

  for (const node of model.graph.node.toReversed()) {
    const op = ruleOf(node, overrides);
    const reached = node.output.some((name) => name && terms.has(name) && active.has(name));
    const inputs = inputsOf(node);
    const needs = inputs.map((name) => active.has(name));
    if (!reached || !needs.includes(true) || op?.vjp === "zero") continue;
    if (!op) throw new UserError("unsupported-operator", withoutRule(node, inputs[needs.indexOf(true)]));
    const arrived = node.output.map((name) =>
      name ? (gradientOf(name) ?? { value: build.zerosLike(forward(name)) }) : undefined,
    );
    const call: Call = {
      node,
      attributes: new Attributes(node),
      build,
      inputs,
      x: valuesOf(inputs.map((name) => (name ? forward(name) : undefined) as Value)),
      y: valuesOf(node.output.map((name) => (name ? forward(name) : undefined) as Value)),
      dy: valuesOf(arrived.map((cotangent) => (cotangent && whole(build, cotangent)) as Value)),
      outputTypes: node.output.map((name) => tensors.get(name)?.type ?? DataType.FLOAT),
      needs,
      opset: model.opset,
      constant: (input) => around.numbers(inputs[input]),
      operator: (other) => ruleOf(other, overrides),
      inside: (name) => inside(node, name, tensors, overrides),
      around,
    };
    pullBack(op, op.vjp, call, arrived[0]).forEach((dx, i) => {
      if (!dx || !needs[i]) return;
      checkShape(node, inputs[i], dx, tensors);
      terms.set(inputs[i], [...(terms.get(inputs[i]) ?? []), dx]);
    });
  }
  const found = wrt.flatMap((name) => {
    const gradient = gradientOf(name);
    return gradient ? [[name, whole(build, gradient)] as const] : [];
  });
  return new Map(found);
}

/** A graph inside a node, for the node's rule: the same sweep goes over it. */
function inside(node: NodeProto, name: string, tensors: Seen, overrides: Overrides | undefined): Inside {
  const graph = new Attributes(node).graph(name);
  const body = graph && tensors.bodies.get(graph);
  if (!body) unsupported(node, `ONNX Runtime cannot infer the shapes inside its ${name}`);
  return {
    ...body,
    dependents: (wrt) => dependents(body.graph, body.tensors, wrt),
    differentiate: (build, seeds, wrt) => gradientsFound(body.graph, body.tensors, { build, seeds, wrt, overrides }),
  };
}

function ruleOf(node: NodeProto, overrides: Overrides | undefined): Op | undefined {
  const vjp = overrides?.get(nameOf(node));
  if (vjp) return { vjp };
  const own = operatorOf(node);
  return own && own.vjp !== "zero" && overrides?.others ? overrides.others(node, own) : own;
}

/** A tensor of the forward pass; half precision and quantised steps are read as float32. */
export function forwardValue(build: Builder, tensors: Seen, name: string): Value {
  const { type, dims } = tensors.get(name) ?? { type: DataType.FLOAT, dims: undefined };
  const value = { name, type, dims };
  return isFloat(type) || isQuantized(type) ? build.cast(value, gradientType(type)) : value;
}

function checkShape(node: NodeProto, input: string, { value: { dims }, rows }: Cotangent, tensors: Seen): void {
  const want = dimsOfRows(rows, tensors.get(input)?.dims);
  const fits =
    !want || !dims || (want.length === dims.length && want.every((d, i) => d < 0 || dims[i] < 0 || d === dims[i]));
  if (!fits)
    throw new InternalError(
      `gradient of input "${input}" of ${describe(node)} has shape [${dims}], the input [${want}]`,
    );
}

const withoutRule = (node: NodeProto, input: string): string =>
  `unsupported operator: ${describe(node)} lies between what is explained and the score (its input "${input}"), and has no gradient rule`;

function withoutPath(model: IndexedGraph, name: string, seeds: ReadonlyMap<string, Value>): never {
  const exists = model.producer.has(name) || model.initializers.has(name) || model.inputs.some((i) => i.name === name);
  if (!exists)
    throw new UserError(
      "unknown-name",
      `unknown tensor: "${name}"; the model's inputs are ${listing(model.inputs.map((i) => i.name))}`,
    );
  throw new UserError("no-path", `no path: "${name}" has no differentiable path to ${listing(seeds.keys())}`);
}
