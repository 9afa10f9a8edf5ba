/**
 * @file An operator with weights, together with the affine operators behind it: what training normalises or shifts (batch normalisation, an
 * added bias) is one linear operator with what it follows, z = W x + b, and its parts have no relevance of their own.
 */
import { type Builder, rankOf, type Value } from "../../onnx/build.ts";
import { Attributes } from "../../onnx/model.ts";
import type { NodeProto } from "../../onnx/proto.ts";
import { gradientType } from "../../onnx/types.ts";
import { nameOf, ownGradients } from "../../ops/index.ts";
import { type Call, type Neighbours, unsupported } from "../../ops/op.ts";
import { activeInputs, weightedInput, weightedNames } from "./neighbours.ts";

/** z = W x + b, and how it is applied and transposed with other weights. */
export interface Weighted {
  readonly x: Value;
  readonly w: Value;
  readonly b: Value | undefined;
  readonly z: Value;
  readonly apply: (x: Value, w: Value) => Value;
  readonly transposed: (g: Value, w: Value) => Value;
}

/** A step behind it: scale * z + shift, each with a number for every channel. */
interface Step {
  readonly scale?: Value;
  readonly shift?: Value;
}

/** The axis of the channels that an operator with weights makes; undefined where a scale cannot be made part of its weights. */
function channelAxis(node: NodeProto, around: Neighbours): number | undefined {
  const rank = around.value(node.output[0] ?? "").dims?.length;
  if (rank === undefined || weightedInput(node, around) !== 0) return undefined;
  const name = nameOf(node);
  if (name === "Conv") return 1;
  if (name === "ConvTranspose") return new Attributes(node).int("group", 1) === 1 ? 1 : undefined;
  return (around.value(node.input[1] ?? "").dims?.length ?? 0) === 2 ? rank - 1 : undefined;
}

/** Whether a tensor has one number for each channel, or one for all. */
function isPerChannel({ dims }: Value, rank: number, axis: number): boolean {
  return dims !== undefined && dims.length <= rank && dims.every((d, i) => d === 1 || i + rank - dims.length === axis);
}

/** Whether a node scales and shifts each channel of a tensor, by numbers that do not change with what is explained. */
function isStep(node: NodeProto, around: Neighbours, axis: number): boolean {
  const active = activeInputs(node, around);
  const [first, second] = node.input;
  if (active.length !== 1 || first === undefined) return false;
  const name = nameOf(node);
  if (name === "BatchNormalization") return axis === 1 && active[0] === first;
  if (!["Add", "Sub", "Mul", "Div"].includes(name) || second === undefined) return false;
  const other = active[0] === first ? second : first;
  if (name === "Div" && other === first) return false;
  return isPerChannel(around.value(other), around.value(active[0] ?? "").dims?.length ?? 0, axis);
}

/** The affine nodes that follow on an operator with weights, and on nothing else. */
function stepsBehind(head: NodeProto, around: Neighbours): NodeProto[] {
  const axis = channelAxis(head, around);
  const steps: NodeProto[] = [];
  if (axis === undefined) return steps;
  for (let name = head.output[0] ?? ""; ; ) {
    const readers = around.consumers(name).filter((node) => node.output.some(around.active));
    const [next] = readers;
    if (readers.length !== 1 || !next || around.seeded(name) || !isStep(next, around, axis)) return steps;
    steps.push(next);
    name = next.output[0] ?? "";
  }
}

/** Whether a node belongs to an operator with weights in front of it. */
export function isBehindWeights({ node, around }: Pick<Call, "node" | "around">): boolean {
  for (let at = node; ; ) {
    const inputs = activeInputs(at, around);
    const before = inputs.length === 1 ? around.producer(inputs[0] ?? "") : undefined;
    if (!before) return false;
    if (weightedNames.has(nameOf(before))) return stepsBehind(before, around).includes(node);
    at = before;
  }
}

function stepOf({ build, around }: Call, node: NodeProto): Step {
  const value = (i: number) => around.value(node.input[i] ?? "");
  if (nameOf(node) === "BatchNormalization") {
    const epsilon = new Attributes(node).float("epsilon", 1e-5);
    const scale = build.div(value(1), build.sqrt(build.add(value(4), epsilon)));
    return { scale, shift: build.sub(value(2), build.mul(value(3), scale)) };
  }
  const isFirst = around.active(node.input[0] ?? "");
  const raw = value(isFirst ? 1 : 0);
  const other = raw.dims?.length ? build.reshape(raw, [-1]) : raw;
  const one = build.floats(1, [], gradientType(other.type));
  switch (nameOf(node)) {
    case "Add":
      return { shift: other };
    case "Sub":
      return isFirst ? { shift: build.neg(other) } : { scale: build.neg(one), shift: other };
    case "Mul":
      return { scale: other };
    default:
      return { scale: build.div(one, other) };
  }
}

/** A number for each channel, laid out beside a tensor of this rank. */
const along = (build: Builder, v: Value, rank: number, axis: number): Value => {
  if ((v.dims?.length ?? 1) === 0 || axis === rank - 1) return v;
  return build.reshape(v, [...Array<number>(axis).fill(1), -1, ...Array<number>(rank - axis - 1).fill(1)]);
};

/** The axis of a weight along which the channels lie that it makes. */
const weightAxis = (node: NodeProto): number => {
  if (nameOf(node) === "Conv") return 0;
  return nameOf(node) === "Gemm" && new Attributes(node).int("transB", 0) !== 0 ? 0 : 1;
};

/** What a node with weights is, with the affine nodes behind it; @throws UserError where both factors change with what is explained. */
export function weightedOf(c: Call): Weighted {
  const { node, build, around, attributes } = c;
  const index = weightedInput(node, around);
  if (index === undefined)
    unsupported(node, "its weights change with what is explained, and relevance has no rule for that");
  const [x, own] = index === 0 ? [c.x[0], c.x[1] as Value] : [c.x[1] as Value, c.x[0]];
  const needs = [index === 0, index === 1, false];
  const both = (a: Value, w: Value): [Value, Value] => (index === 0 ? [a, w] : [w, a]);
  const isGemm = nameOf(node) === "Gemm";
  const alpha = isGemm ? attributes.float("alpha", 1) : 1;
  const dims = c.y[0].dims;
  const apply = (a: Value, w: Value): Value => {
    if (!isGemm) return build.again(node, both(a, w), c.y[0].type, dims && [-1, ...dims.slice(1)]);
    const turned = { transA: attributes.int("transA", 0) !== 0, transB: attributes.int("transB", 0) !== 0 };
    return build.mul(build.gemm(...both(a, w), turned), alpha);
  };
  const transposed = (g: Value, w: Value): Value =>
    ownGradients({ ...c, x: [...both(x, w), ...c.x.slice(2)], dy: [g], needs })[index] as Value;

  const axis = channelAxis(node, around);
  const rank = dims?.length ?? rankOf(c.y[0]);
  const bias = c.x[2] && build.mul(c.x[2], isGemm ? attributes.float("beta", 1) : 1);
  let [w, b] = [own, bias && (isGemm ? bias : along(build, bias, rank, 1))];
  let z = c.y[0];
  for (const next of stepsBehind(node, around)) {
    const { scale, shift } = stepOf(c, next);
    if (scale) w = build.mul(w, along(build, scale, rankOf(w), weightAxis(node)));
    if (scale && b) b = build.mul(b, along(build, scale, rank, axis ?? 1));
    const shifted = shift && along(build, shift, rank, axis ?? 1);
    b = b && shifted ? build.add(b, shifted) : (b ?? shifted);
    z = around.value(next.output[0] ?? "");
  }
  if (alpha < 0) unsupported(node, "alpha is below 0, and relevance has no rule for that");
  return { x, w, b, z, apply, transposed };
}
