/** @file Where to look: the input that is the image, the scores before any softmax, and the layers that a map can lie on. */
import { dependents } from "../autodiff/dependents.ts";
import { listing, UserError } from "../errors.ts";
import { inputsOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { isFloat } from "../onnx/types.ts";
import { operatorOf } from "../ops/index.ts";
import { gridsOf, type Layout, layoutOf, patchesOf, type TokenGrid } from "./layout.ts";
import { patchesReach } from "./tokens.ts";

/** A tensor that a map can lie on. */
export interface Layer {
  readonly name: string;
  /** -1 where only the run knows. */
  readonly shape: readonly number[];
  readonly grid: readonly number[];
  /** The layer that was named in its place, none of whose patch tokens reaches the score. */
  readonly insteadOf?: string;
}

/** The scores that are explained, and the function of them that the model ends with. */
export interface Score {
  readonly name: string;
  /** "Softmax", "Sigmoid" or "LogSoftmax" where the model's output is behind one; its input is what is explained. */
  readonly before?: string;
}

const squashing = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
const passing = new Set(["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast"]);

/**
 * The scores behind an output, by default the first of shape [n, classes], or else the first of a float type.
 * @throws UserError `unknown-name` for an output that the model does not have.
 */
export function scoreOf(model: Model, tensors: Observed, output: string | undefined): Score {
  if (output !== undefined && !tensors.has(output))
    throw new UserError(
      "unknown-name",
      `unknown output: "${output}"; the model's outputs are ${listing(model.outputs)}`,
    );
  const floats = model.outputs.filter((o) => isFloat(tensors.get(o)?.type ?? 0));
  const name = output ?? floats.find((o) => tensors.get(o)?.dims.length === 2) ?? floats[0];
  if (!name)
    throw new UserError(
      "invalid-model",
      `invalid model: none of its outputs is of a float type: ${listing(model.outputs)}`,
    );
  let at = model.producer.get(name);
  while (at && passing.has(at.opType)) at = model.producer.get(at.input[0]);
  return at && squashing.has(at.opType) ? { name: at.input[0], before: at.opType } : { name };
}

/** The input that is the image: the first of a float type with spatial dimensions, two at least where there is one. */
export function imageInputOf(model: Model, tensors: Observed): string | undefined {
  const rank = ({ name }: { name: string }) => {
    const tensor = tensors.get(name);
    return tensor && isFloat(tensor.type) ? tensor.dims.length : 0;
  };
  return (model.inputs.find((input) => rank(input) > 3) ?? model.inputs.find((input) => rank(input) === 3))?.name;
}

/** Operators whose output holds another one's grid again (pooled, moved or reshaped), or weights of an attention: no new activation. */
const derived = new Set(
  "Softmax MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool Reshape Transpose Flatten Squeeze Unsqueeze Identity Dropout Pad Slice Split Cast Resize Upsample Expand".split(
    " ",
  ),
);

/** Those of them that only move values. */
const moving = new Set("Reshape Transpose Flatten Squeeze Unsqueeze Identity Slice Cast".split(" "));

/** Operators that go element by element: a tensor that only they read is not yet a layer's result. */
const elementwise = new Set(
  "Add Sub Mul Div Pow Neg Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish Swish Erf BatchNormalization InstanceNormalization LRN Softmax Identity Dropout Cast".split(
    " ",
  ),
);

/**
 * The layers that can be explained, the default first, then from the score towards the image.
 *
 * The default is the last activation before the grid is pooled or flattened; where the score has a grid itself (segmentation), the
 * last one on the coarsest grid; among tokens, the last whose patches still reach the score. A layer is the end of a chain of
 * element-wise operators: the Relu, not the Conv before it.
 */
export function layersOf(model: Model, tensors: Observed, score: string, tokens?: TokenGrid): Layer[] {
  const image = imageInputOf(model, tensors);
  if (!image) return [];
  const grids = gridsOf(model, tensors, image);
  const inputs = model.inputs.map(({ name }) => name).filter((name) => isFloat(tensors.get(name)?.type ?? 0));
  const active = dependents(model, tensors, inputs);
  const wanted = ancestors(model, score);
  const layoutAt = (name: string) => {
    const tensor = tensors.get(name);
    return tensor && layoutOf(tensor, grids, tokens);
  };
  const layers: Layer[] = [];
  for (const node of model.graph.node) {
    const [name] = node.output;
    if (name === score || !active.has(name) || !wanted.has(name) || isAttention(model, node)) continue;
    const layout = layoutAt(name);
    if (!layout || (derived.has(node.opType) && !unfolds(model, node, layoutAt))) continue;
    const readers = model.consumers.get(name)?.filter((reader) => reader.output.some((o) => wanted.has(o))) ?? [];
    if (readers.every((reader) => elementwise.has(reader.opType) && reader.output[0] !== score)) continue;
    if (layout.prefix !== undefined && !patchesReach(model, tensors, name, patchesOf(layout), wanted)) continue;
    if (layout.prefix !== undefined && isProjection(model, node) && readers.every(splitsHeads)) continue;
    layers.push({ name, shape: tensors.get(name)?.dims ?? [], grid: layout.grid });
  }
  layers.reverse();
  const scored = tensors.get(score);
  if (scored?.dims.length !== grids.rank || !layoutOf(scored, grids)) return layers;
  const coarsest = layers.reduce((best, layer) => (area(layer) < area(best) ? layer : best), layers[0]);
  return layers.length ? [coarsest, ...layers.filter((layer) => layer !== coarsest)] : [];
}

/** Whether values that were computed where there is no grid to read, in windows say, have one here first. */
function unfolds(model: Model, node: NodeProto, layoutAt: (name: string) => Layout | undefined): boolean {
  const [from] = node.input;
  const source = model.producer.get(from);
  if (!moving.has(node.opType) || !source || layoutAt(from)) return false;
  if (moving.has(source.opType)) return unfolds(model, source, layoutAt);
  return !derived.has(source.opType) && !isAttention(model, source);
}

/** A product of two activations. */
const isAttention = (model: Model, { opType, input }: NodeProto): boolean =>
  (opType === "MatMul" || opType === "Einsum") && !input.some((operand) => model.constants.has(operand));

/** A matrix product with a constant, and its bias: the queries, keys and values of an attention, where the heads are split next. */
function isProjection(model: Model, { opType, input }: NodeProto): boolean {
  const isProduct = (op: string | undefined) => op === "MatMul" || op === "Gemm";
  if (opType !== "Add") return isProduct(opType);
  const biased = input.some((name) => model.constants.has(name));
  return biased && input.some((name) => isProduct(model.producer.get(name)?.opType));
}

const splitsHeads = ({ opType }: NodeProto): boolean => ["Reshape", "Transpose", "Split"].includes(opType);

const area = ({ grid }: Layer): number => grid.reduce((a, b) => a * b, 1);

/** Tensors that a score depends on. */
export function ancestors(model: Model, score: string): Set<string> {
  const wanted = new Set([score]);
  for (const node of model.graph.node.toReversed()) {
    if (isZero(node) || !node.output.some((name) => wanted.has(name))) continue;
    for (const name of inputsOf(node)) wanted.add(name);
  }
  return wanted;
}

const isZero = (node: NodeProto): boolean => operatorOf(node)?.vjp === "zero";
