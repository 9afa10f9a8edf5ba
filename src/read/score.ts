/** @file The scores that are explained: which output, what it ends with, and which of its axes are the classes. */
import { listing, UserError } from "../errors.ts";
import { Attributes, constantValues, inputsOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { isFloat } from "../onnx/types.ts";
import { operatorOf } from "../ops/index.ts";
import { type Axes, plainAxes, someAxes } from "./axes.ts";
import type { Decision } from "./decision.ts";
import { rearranging } from "./families.ts";
import { features, isSpatial, type Origin, type Origins } from "./origin.ts";

/** The scores that are explained, and the function of them that the model ends with. */
export interface Score {
  readonly name: string;
  /** What the model's output is behind, "Softmax", "Sigmoid", "TopK" ...; its input is what is explained. */
  readonly before?: string;
  /** Which axis counts the images, which the classes; the others are a grid. */
  readonly axes: Axes;
  /** The output that it was found from. */
  readonly output: string;
}

/** The score without its axes, which the picture decides. */
export interface ScoreTensor extends Omit<Score, "axes"> {
  /** The axis of the squashing function, where it says one. */
  readonly axis?: number;
  readonly decisions: readonly Decision[];
}

const squashing = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
const passing = new Set([...rearranging, "Cast", "Dropout"]);
/** They pick of the scores; what they pick from is explained. */
const picking = new Set(["TopK", "ArgMax", "ArgMin", "Hardmax", "Round"]);
/** They say whether scores are above a constant; the scores are explained. */
const comparing = new Set(["Greater", "GreaterOrEqual"]);

/**
 * The scores behind an output, by default the first of shape [n, classes], or else the first of a float type.
 * @throws UserError `unknown-name` for an output that the model does not have.
 */
export function scoreTensorOf(model: Model, tensors: Observed, output: string | undefined): ScoreTensor {
  if (output !== undefined && !tensors.has(output))
    throw new UserError(
      "unknown-name",
      `unknown output: "${output}"; the model's outputs are ${listing(model.outputs)}`,
    );
  const allFloats = model.outputs.filter((o) => isFloat(tensors.get(o)?.type ?? 0));
  // An output that no input decides is nobody's score, but for want of another.
  const decided = allFloats.filter((o) => !model.constants.has(o));
  const floats = decided.length ? decided : allFloats;
  const picked = model.outputs.find((o) => {
    const node = model.producer.get(stripped(model, o));
    return node && node.opType !== "ReduceMax" && picks(model, tensors, node);
  });
  const name = output ?? floats.find((o) => tensors.get(o)?.dims.length === 2) ?? floats[0] ?? picked;
  if (!name)
    throw new UserError(
      "invalid-model",
      `invalid model: none of its outputs is of a float type: ${listing(model.outputs)}`,
    );
  const others = floats.filter((o) => o !== name);
  const first = tensors.get(name)?.dims.length === 2 ? "of shape [n, classes]" : "of a float type";
  const alone = others.length ? `it is the first ${first}, beside ${listing(others)}` : "it is the only one of floats";
  const because = output !== undefined ? "you said so" : alone;
  const decisions: Decision[] = [{ what: "output", value: name, because, option: "--output" }];
  let before: string | undefined;
  for (let at = name; ; ) {
    // An output that is a choice among scores is of them, and what is in front of a softmax is explained in front of it.
    const node = model.producer.get(stripped(model, at));
    const squashes = node && squashing.has(node.opType);
    if (!node || !(squashes || picks(model, tensors, node)))
      return { name: at, ...(before && { before }), output: name, decisions };
    at = node.input[0];
    const because = `it is the input of the ${node.opType} that "${name}" ends with`;
    decisions.push({ what: "scores", value: at, because, option: "--output" });
    if (squashes) return { name: at, before: node.opType, output: name, decisions, ...axisOf(node, model.opset) };
    before ??= node.opType;
  }
}

/** The greatest of a picture's probabilities is that of the class that an ArgMax beside it names. */
function picks(model: Model, tensors: Observed, { opType, input }: NodeProto): boolean {
  if (comparing.has(opType)) return constantValues(model, input[1])?.length === 1;
  if (opType !== "ReduceMax") return picking.has(opType);
  const [from] = input;
  return tensors.get(from)?.dims.length === 2 && model.producer.get(stripped(model, from))?.opType === "Softmax";
}

/** Before operator set 13 a softmax ran over all axes from `axis` on, so it tells of one only where that is the last. */
function axisOf(node: NodeProto, opset: number): { axis?: number } {
  const axis = new Attributes(node).int("axis", opset >= 13 ? -1 : undefined);
  return node.opType === "Sigmoid" || axis === undefined ? {} : { axis };
}

/** The tensor in front of what only moves values. */
export function stripped(model: Model, name: string): string {
  let at = name;
  for (let node = model.producer.get(at); node && passing.has(node.opType); node = model.producer.get(at))
    at = node.input[0];
  return at;
}

/** The axes of scores: by where they come from, by the axis of their softmax, last by their order. */
export function scoreAxes(
  tensors: Observed,
  { name, axis }: ScoreTensor,
  origins: Origins | undefined,
  batch: number | undefined,
): Axes {
  const dims = tensors.get(name)?.dims ?? [];
  const rank = dims.length;
  const found = origins?.get(name);
  const stated = axis === undefined ? undefined : axis < 0 ? axis + rank : axis;
  const isBatch = ({ parts }: Origin) => parts.length === 1 && parts[0].axis === batch && batch !== undefined;
  const images = found?.findIndex(isBatch) ?? -1;
  const n = images >= 0 ? images : rank > 1 || !found ? 0 : undefined;
  const computed = (found ?? []).flatMap((origin, i) =>
    i !== n && !isSpatial(origin) && origin.parts.some((part) => part.axis === features) ? [i] : [],
  );
  const known = found?.some((origin, i) => i !== n && isSpatial(origin)) ? computed[0] : undefined;
  // Classes of the one picture that a network without a batch takes, or whose batch was squeezed away.
  const [first, ...places] = found ?? [];
  const plane = images < 0 && places.length === 2 && places.every(isSpatial) && (stated ?? 0) === 0;
  if (plane && first && !isSpatial(first) && first.parts.some((part) => part.axis === features))
    return { channels: 0, grid: [1, 2] };
  // A value for each place, its axis of classes squeezed away.
  const valued = n !== undefined && found?.length === 3 && found.every((origin, i) => i === n || isSpatial(origin));
  if (stated === undefined && valued) return { batch: n, grid: [0, 1, 2].filter((i) => i !== n) };
  const classes = stated ?? known ?? computed.find((i) => i === 1) ?? computed[0];
  if (rank === 1 && batch === undefined && found && computed.length) return { channels: 0, grid: [] };
  if (classes === undefined || classes === n || rank < 2) return plainAxes(rank);
  const grid = dims.flatMap((_, i) => (i === n || i === classes ? [] : [i]));
  return someAxes(n, classes, grid);
}

/** What a node makes its outputs of by degrees: a region that is looked at is held (see autodiff/overrides/proposals.ts). */
const weighedBy = (node: NodeProto): readonly string[] =>
  node.opType === "RoiAlign" ? node.input.slice(0, 1) : inputsOf(node);

/** Tensors that scores depend on, by others than those `without`. */
export function ancestors(model: Model, scores: readonly string[], without?: (name: string) => boolean): Set<string> {
  const wanted = new Set(scores);
  for (const node of model.graph.node.toReversed()) {
    if (isZero(node) || !node.output.some((name) => wanted.has(name))) continue;
    for (const name of weighedBy(node)) if (!without?.(name)) wanted.add(name);
  }
  return wanted;
}

/** Tensors that a picture decides: floats, and the whole numbers that it comes in. */
export function descendants(model: Model, tensors: Observed, input: string): Set<string> {
  const active = new Set([input]);
  for (const node of model.graph.node) {
    if (isZero(node) || !inputsOf(node).some((name) => active.has(name))) continue;
    for (const name of node.output) if (name && tensors.has(name)) active.add(name);
  }
  return active;
}

const isZero = (node: NodeProto): boolean => operatorOf(node)?.vjp === "zero";
