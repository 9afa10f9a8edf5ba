/**
 * @file The reverse sweep: from the gradient of the score with respect to some tensors (the seeds) to its gradient with respect to
 * others, graph to graph. Nothing is run, and the result is ONNX again.
 */
import { InternalError, listing, UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { Attributes, constantValues, describe, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { gradientType, isFloat, isQuantized } from "../onnx/types.ts";
import { nameOf, operatorOf } from "../ops/index.ts";
import type { Call, Op, Rule } from "../ops/op.ts";

/** Rules that take the place of the table's, by operator: how guided backpropagation differs from the plain gradient. */
export type Overrides = ReadonlyMap<string, Rule>;

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
export function differentiate(
  model: Model,
  tensors: Observed,
  { build, seeds, wrt, overrides }: Sweep,
): Map<string, Value> {
  const active = dependents(model, tensors, wrt);
  const terms = new Map<string, Value[]>([...seeds].map(([name, seed]) => [name, [seed]]));
  const forward = (name: string) => forwardValue(build, tensors, name);
  const gradients = new Map<string, Value>();

  /** All consumers of a tensor come before its producer here, so its terms are complete when it is asked for. */
  const gradientOf = (name: string): Value | undefined => {
    const known = gradients.get(name) ?? terms.get(name);
    if (!known) return undefined;
    const total = Array.isArray(known) ? { ...build.sum(known), dims: tensors.get(name)?.dims } : known;
    gradients.set(name, total);
    return total;
  };

  for (const node of model.graph.node.toReversed()) {
    const op = ruleOf(node, overrides);
    const reached = node.output.some((name) => name && terms.has(name) && active.has(name));
    const needs = node.input.map((name) => active.has(name));
    if (!reached || !needs.includes(true) || op?.vjp === "zero") continue;
    if (!op) throw new UserError("unsupported-operator", withoutRule(node, needs));
    const call: Call = {
      node,
      attributes: new Attributes(node),
      build,
      x: node.input.map((name) => (name ? forward(name) : undefined) as Value),
      y: node.output.map((name) => (name ? forward(name) : undefined) as Value),
      dy: node.output.map((name) => (name && (gradientOf(name) ?? build.zerosLike(forward(name)))) as Value),
      outputTypes: node.output.map((name) => tensors.get(name)?.type ?? DataType.FLOAT),
      needs,
      opset: model.opset,
      constant: (input) => constantValues(model, node.input[input]),
      operator: (other) => ruleOf(other, overrides),
    };
    op.vjp(call).forEach((dx, i) => {
      if (!dx || !needs[i]) return;
      checkShape(node, i, dx, tensors);
      terms.set(node.input[i], [...(terms.get(node.input[i]) ?? []), dx]);
    });
  }
  return new Map(wrt.map((name) => [name, gradientOf(name) ?? withoutPath(model, name, seeds)]));
}

/** Tensors that change when those in `wrt` do: floats, and the small integers that quantisation makes of them. */
export function dependents(model: Model, tensors: Observed, wrt: Iterable<string>): Set<string> {
  const active = new Set(wrt);
  const typeOf = (name: string) => tensors.get(name)?.type ?? DataType.FLOAT;
  for (const node of model.graph.node) {
    const op = operatorOf(node);
    const reads = node.input.filter((name) => active.has(name));
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

function ruleOf(node: NodeProto, overrides: Overrides | undefined): Op | undefined {
  const vjp = overrides?.get(nameOf(node));
  return vjp ? { vjp } : operatorOf(node);
}

/** A tensor of the forward pass; half precision and quantised steps are read as float32. */
function forwardValue(build: Builder, tensors: Observed, name: string): Value {
  const { type, dims } = tensors.get(name) ?? { type: DataType.FLOAT, dims: undefined };
  const value = { name, type, dims };
  return isFloat(type) || isQuantized(type) ? build.cast(value, gradientType(type)) : value;
}

function checkShape(node: NodeProto, input: number, dx: Value, tensors: Observed): void {
  const want = tensors.get(node.input[input])?.dims;
  const fits =
    !want ||
    !dx.dims ||
    (want.length === dx.dims.length && want.every((d, i) => d < 0 || dx.dims![i] < 0 || d === dx.dims![i]));
  if (!fits)
    throw new InternalError(
      `gradient of input ${input} of ${describe(node)} has shape [${dx.dims}], the input [${want}]`,
    );
}

const withoutRule = (node: NodeProto, needs: readonly boolean[]): string =>
  `unsupported operator: ${describe(node)} lies between what is explained and the score (its input "${node.input[needs.indexOf(true)]}"), and has no gradient rule`;

function withoutPath(model: Model, name: string, seeds: ReadonlyMap<string, Value>): never {
  const exists = model.producer.has(name) || model.initializers.has(name) || model.inputs.some((i) => i.name === name);
  if (!exists)
    throw new UserError(
      "unknown-name",
      `unknown tensor: "${name}"; the model's inputs are ${listing(model.inputs.map((i) => i.name))}`,
    );
  throw new UserError("no-path", `no path: "${name}" has no differentiable path to ${listing(seeds.keys())}`);
}
