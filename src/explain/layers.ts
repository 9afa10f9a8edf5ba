/** @file Where to look: the input that is the image, the scores before any softmax, and the layers that a map can lie on. */
import { dependents } from "../autodiff/differentiate.ts";
import { listing, UserError } from "../errors.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { isFloat } from "../onnx/types.ts";
import { operators } from "../ops/index.ts";

/** A tensor that a map can lie on. */
export interface Layer {
  readonly name: string;
  /** -1 where only the run knows. */
  readonly shape: readonly number[];
  readonly grid: readonly number[];
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
 * The scores behind an output, by default the first of a float type.
 * @throws UserError `unknown-name` for an output that the model does not have.
 */
export function scoreOf(model: Model, tensors: Observed, output: string | undefined): Score {
  if (output !== undefined && !tensors.has(output))
    throw new UserError(
      "unknown-name",
      `unknown output: "${output}"; the model's outputs are ${listing(model.outputs)}`,
    );
  const name = output ?? model.outputs.find((o) => isFloat(tensors.get(o)?.type ?? 0));
  if (!name)
    throw new UserError(
      "invalid-model",
      `invalid model: none of its outputs is of a float type: ${listing(model.outputs)}`,
    );
  let at = model.producer.get(name);
  while (at && passing.has(at.opType)) at = model.producer.get(at.input[0]);
  return at && squashing.has(at.opType) ? { name: at.input[0], before: at.opType } : { name };
}

/** The input that is the image: the first of a float type with spatial dimensions. */
export function imageInputOf(model: Model, tensors: Observed): string | undefined {
  return model.inputs.find(({ name }) => {
    const tensor = tensors.get(name);
    return tensor && isFloat(tensor.type) && tensor.dims.length >= 3;
  })?.name;
}

/** Operators whose output holds another one's grid again: pooled, moved or reshaped, no new activation. */
const derived = new Set(
  "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool Reshape Transpose Flatten Squeeze Unsqueeze Identity Dropout Pad Slice Split Cast Resize Upsample Expand".split(
    " ",
  ),
);

/** Operators that go element by element: a tensor that only they read is not yet a layer's result. */
const elementwise = new Set(
  "Add Sub Mul Div Pow Neg Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish Swish Erf BatchNormalization InstanceNormalization LRN Identity Dropout Cast".split(
    " ",
  ),
);

/**
 * The layers that can be explained, the default first, then from the score towards the image.
 *
 * The default is the last activation before the grid is pooled or flattened; where the score has a grid itself (segmentation), the
 * last one on the coarsest grid. A layer is the end of a chain of element-wise operators: the Relu, not the Conv before it.
 */
export function layersOf(model: Model, tensors: Observed, score: string): Layer[] {
  const image = imageInputOf(model, tensors);
  const rank = image ? tensors.get(image)?.dims.length : undefined;
  const inputs = model.inputs.map(({ name }) => name).filter((name) => isFloat(tensors.get(name)?.type ?? 0));
  const active = dependents(model, tensors, inputs);
  const wanted = ancestors(model, score);
  const layers: Layer[] = [];
  for (const node of model.graph.node) {
    const [name] = node.output;
    const tensor = tensors.get(name);
    if (!tensor || tensor.dims.length !== rank || name === score || derived.has(node.opType)) continue;
    if (!active.has(name) || !wanted.has(name) || !hasGrid(tensor)) continue;
    const readers = model.consumers.get(name)?.filter((reader) => reader.output.some((o) => wanted.has(o))) ?? [];
    if (readers.every((reader) => elementwise.has(reader.opType) && reader.output[0] !== score)) continue;
    layers.push({ name, shape: tensor.dims, grid: tensor.dims.slice(2) });
  }
  layers.reverse();
  if (!hasGrid(tensors.get(score))) return layers;
  const coarsest = layers.reduce((best, layer) => (area(layer) < area(best) ? layer : best), layers[0]);
  return layers.length ? [coarsest, ...layers.filter((layer) => layer !== coarsest)] : [];
}

const hasGrid = (tensor: TensorType | undefined): boolean => tensor?.dims.slice(2).some((d) => d !== 1) ?? false;
const area = ({ grid }: Layer): number => grid.reduce((a, b) => a * b, 1);

/** Tensors that a score depends on. */
function ancestors(model: Model, score: string): Set<string> {
  const wanted = new Set([score]);
  for (const node of model.graph.node.toReversed()) {
    if (isZero(node) || !node.output.some((name) => wanted.has(name))) continue;
    for (const name of node.input) wanted.add(name);
  }
  return wanted;
}

const isZero = (node: NodeProto): boolean => operators.get(node.opType)?.vjp === "zero";
