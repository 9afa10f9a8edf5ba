/**
 * @file The layers that a map can lie on, and which of them is the default.
 *
 * A layer is the end of a chain of element-wise operators: the Relu, not the Conv before it. The default is the last one with a
 * learned operator or a pooling between it and the scores. Where the scores have a grid themselves (segmentation), it is the last of those on
 * the coarsest grid, of several groups of those the one of most channels.
 */
import { inputsOf, type Model } from "../onnx/model.ts";
import { type Observed, typeOf } from "../onnx/observe.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { pointwise, rearranging } from "./families.ts";
import type { ExplainedInput } from "./inputs.ts";
import { gridsOf, type Layout, layoutOf, type TokenGrid } from "./layout.ts";
import { isSpatial } from "./origin.ts";
import { ancestors, descendants } from "./score.ts";
import { patchesReach } from "./tokens.ts";
import { zeroPointOf } from "./zero-point.ts";

/** A tensor that a map can lie on. */
export interface Layer {
  readonly name: string;
  /** -1 where only the run knows. */
  readonly shape: readonly number[];
  readonly grid: readonly number[];
  /** Of a default: the layers beside it that nothing says less for, in other branches. */
  readonly equals?: readonly string[];
  /** The layer that was named in its place, none of whose patch tokens reaches the score. */
  readonly insteadOf?: string;
}

/** Operators that only move values. */
const moving = [...rearranging, "Slice", "Cast"];

/** Operators whose output holds another one's grid again (pooled, moved or reshaped), or weights of an attention: no new activation. */
const derived = new Set([
  ...moving,
  ..."Softmax MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool Dropout Pad Split Resize Upsample Expand".split(
    " ",
  ),
]);

/** Operators that hand on what they read as it is: an activation in front of one is read by whoever reads behind it. */
const transparent = ["Identity", "Dropout", "Cast"];

/** Operators that go element by element: a tensor that only they read is not yet a layer's result. */
const elementwise = new Set([...pointwise, ..."Softmax BatchNormalization InstanceNormalization LRN".split(" ")]);

/** Operators that do no more to scores than move, bias, scale or squash them; Exp makes widths of boxes. */
const scoring = new Set([
  ...moving,
  ...pointwise,
  ..."Softmax Exp Concat Split Gather Resize Upsample Pad Expand".split(" "),
]);

/**
 * The layers of a picture that can be explained, the default first, then from the scores towards the picture.
 * @param scores what is explained: the scores, or the tensors that are seeded
 */
export function layersOf(
  model: Model,
  tensors: Observed,
  explained: ExplainedInput,
  scores: readonly string[],
  tokens?: TokenGrid,
): Layer[] {
  const grids = gridsOf(model, tensors, explained);
  const active = descendants(model, tensors, explained.name);
  // What only says which places are taken decides nothing by degrees.
  const placed = (name: string) => [DataType.INT64, DataType.BOOL].includes(tensors.get(name)?.type ?? 0);
  const wanted = ancestors(model, scores, placed);
  const layoutAt = (name: string) => {
    const tensor = tensors.get(name);
    return tensor && layoutOf(name, tensor, grids, tokens);
  };
  const readersOf = (name: string): NodeProto[] =>
    (model.consumers.get(name) ?? []).flatMap((reader) => {
      if (!reader.output.some((o) => wanted.has(o))) return [];
      const handsOn = transparent.includes(reader.opType) && !scores.includes(reader.output[0]);
      return handsOn ? readersOf(reader.output[0]) : [reader];
    });
  const layers: Layer[] = [];
  const channels = new Map<string, number>();
  for (const node of model.graph.node) {
    const [name] = node.output;
    if (scores.includes(name) || !active.has(name) || !wanted.has(name) || isAttention(model, node)) continue;
    const layout = layoutAt(name);
    // What is only prepared has the picture's own colours for channels.
    const channelsOf = layout && explained.origins.get(name)?.[layout.channels];
    if (channelsOf && (isSpatial(channelsOf) || channelsOf.parts.length === 0)) continue;
    if (!layout || (derived.has(node.opType) && !unfolds(model, node, layoutAt))) continue;
    const readers = readersOf(name);
    if (readers.every((reader) => elementwise.has(reader.opType) && !scores.includes(reader.output[0]))) continue;
    if (layout.prefix !== undefined && !patchesReach(model, tensors, name, layout, wanted)) continue;
    if (layout.prefix !== undefined && isProjection(model, node)) continue;
    if (zeroPointOf(model, name, typeOf(model, tensors, name).type) === undefined) continue;
    const shape = tensors.get(name)?.dims ?? [];
    channels.set(name, shape[layout.channels] ?? 0);
    layers.push({ name, shape, grid: layout.grid });
  }
  layers.reverse();
  const merely = scoresThemselves(model, scores, active);
  const candidates = layers.filter(({ name }) => !merely.has(name));
  const hasGrid = scores.some((name) => {
    const origins = explained.origins.get(name);
    const tensor = tensors.get(name);
    if (origins) return origins.some((origin, i) => i > 0 && isSpatial(origin) && tensor?.dims[i] !== 1);
    return tensor?.dims.length === grids.rank && layoutAt(name) !== undefined;
  });
  const [last] = candidates.length ? candidates : layers;
  const first = hasGrid && candidates.length ? bottleneck(candidates, channels) : last;
  if (!first) return [];
  const ends = hasGrid ? [] : endsOf(model, candidates).filter((name) => name !== first.name);
  return [{ ...first, ...(ends.length && { equals: ends }) }, ...layers.filter((layer) => layer !== first)];
}

/** The layers that no other layer comes behind: more than one where branches end side by side. */
function endsOf(model: Model, layers: readonly Layer[]): string[] {
  const names = new Set(layers.map(({ name }) => name));
  const before = new Set<string>();
  for (const node of model.graph.node.toReversed())
    if (node.output.some((name) => names.has(name) || before.has(name)))
      for (const name of inputsOf(node)) before.add(name);
  return [...names].filter((name) => !before.has(name));
}

/** The tensors that are the scores but for their place, their bias and their range. */
function scoresThemselves(model: Model, scores: readonly string[], active: ReadonlySet<string>): Set<string> {
  const merely = new Set(scores);
  for (const node of model.graph.node.toReversed()) {
    if (!node.output.some((name) => merely.has(name)) || !scoring.has(node.opType)) continue;
    for (const name of node.input) if (active.has(name)) merely.add(name);
  }
  return merely;
}

/**
 * The last layer on the coarsest grid. Nested encoders and decoders come to that grid several times: theirs are groups of their own in
 * the order of the layers, and the bottleneck of all is the one of most channels, then of most layers, then the last.
 */
function bottleneck(layers: readonly Layer[], channels: ReadonlyMap<string, number>): Layer {
  const least = Math.min(...layers.map(area));
  const groups: Layer[][] = [];
  layers.forEach((layer, i) => {
    if (area(layer) !== least) return;
    if (i > 0 && area(layers[i - 1]) === least) groups[groups.length - 1].push(layer);
    else groups.push([layer]);
  });
  const width = (group: readonly Layer[]) => Math.max(...group.map(({ name }) => channels.get(name) ?? 0));
  const [best] = groups.toSorted((a, b) => width(b) - width(a) || b.length - a.length);
  return best[0];
}

/** Whether values that were computed where there is no grid to read, in windows say, have one here first. */
function unfolds(model: Model, node: NodeProto, layoutAt: (name: string) => Layout | undefined): boolean {
  const [from] = node.input;
  const source = model.producer.get(from);
  if (!moving.includes(node.opType) || !source || layoutAt(from)) return false;
  if (moving.includes(source.opType)) return unfolds(model, source, layoutAt);
  return !derived.has(source.opType) && !isAttention(model, source);
}

/** A product of two activations. */
const isAttention = (model: Model, { opType, input }: NodeProto): boolean =>
  (opType === "MatMul" || opType === "Einsum") && !input.some((operand) => model.constants.has(operand));

/** A matrix product with a constant, and its bias: tokens projected, as to queries and keys or to a language model's width, no activation. */
function isProjection(model: Model, { opType, input }: NodeProto): boolean {
  const isProduct = (op: string | undefined) => op === "MatMul" || op === "Gemm" || op === "MatMulNBits";
  if (opType === "Mul") return input.some((name) => isIntegerProduct(model, name));
  if (opType !== "Add") return isProduct(opType);
  const biased = input.some((name) => model.constants.has(name));
  const made = input.map((name) => model.producer.get(name));
  return (
    biased &&
    made.some((node) => node && (isProduct(node.opType) || (node.opType === "Mul" && isProjection(model, node))))
  );
}

/** A dynamically quantised product before it is scaled: the Cast of a MatMulInteger. */
function isIntegerProduct(model: Model, name: string): boolean {
  const cast = model.producer.get(name);
  return cast?.opType === "Cast" && model.producer.get(cast.input[0])?.opType === "MatMulInteger";
}

const area = ({ grid }: Layer): number => grid.reduce((a, b) => a * b, 1);
