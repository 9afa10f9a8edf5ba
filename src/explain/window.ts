/**
 * @file How few cells of a layer decide one cell of a tensor behind it, where only convolutions and the like lie between: the head of a
 * detector, whose score at one place sees five cells by five. Its gradient is 0 elsewhere, so a map that is made place by place needs
 * those cells alone, and sixteen boxes are sixteen such windows in one run instead of sixteen grids.
 */
import { type Adjoint, compileAdjoint, type ObservedModel } from "../autodiff/adjoint.ts";
import { overridesOf } from "../autodiff/rules.ts";
import type { LayerMap } from "../methods/method.ts";
import { nodesBehind } from "../onnx/behind.ts";
import { readsOf } from "../onnx/extract.ts";
import { Attributes, freshPrefix, inputsOf, type Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { changed, type NodeProto } from "../onnx/proto.ts";
import { renamedNode } from "../onnx/rename.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { layerEnd } from "../read/layout.ts";
import { tensorSeeds } from "./seeds.ts";

/** From one cell of a tensor to the cells of a layer that it sees: all within so many rows and columns of it. */
export interface Sight {
  readonly reach: number;
  /** Rows and columns of both tensors. */
  readonly grid: readonly [number, number];
  /** What the tensor is made of: the layer, and what comes from beside it. */
  readonly reads: readonly string[];
}

/** A map on what a cell sees of a layer. */
interface HeadWindow {
  readonly adjoint: Adjoint;
  /** The shapes of tensors that are cut out. */
  readonly tensors: Observed;
}

/** Operators that go cell by cell, whatever else they do along the channels. */
const cellwise = new Set(
  (
    "Add Sub Mul Div Pow Neg Abs Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish " +
    "Swish Erf BatchNormalization Identity Cast Dropout QuantizeLinear DequantizeLinear"
  ).split(" "),
);

/** Those whose operands are laid over each other. */
const broadcasting = new Set("Add Sub Mul Div Pow PRelu".split(" "));

/** How far the cells of a tensor see of a layer; undefined where what lies between looks further than a few cells, or has no such grid. */
export function sightOf({ model, tensors }: ObservedModel, tensor: string, layer: string): Sight | undefined {
  const [, , height = -1, width = -1] = tensors.get(layer)?.dims ?? [];
  if (height < 0 || width < 0) return undefined;
  const grid = [height, width] as const;
  const isOnGrid = (name: string) => liesOn(grid, tensors.get(name)?.dims);
  const nodes = nodesBehind(model, layer, [tensor]);
  const made = new Set(nodes.flatMap(({ output }) => output));
  const reach = new Map([[tensor, 0]]);
  const beside = new Set<string>();
  for (const node of nodes.toReversed()) {
    const outputs = node.output.filter((name) => reach.has(name));
    const further = stepOf(node, tensors);
    if (further === undefined || !outputs.every(isOnGrid)) return undefined;
    const from = Math.max(...outputs.map((name) => reach.get(name) ?? 0));
    for (const name of inputsOf(node)) {
      if (!name || (model.constants.has(name) && isAlikeEverywhere(model, tensors, node, name))) continue;
      if (model.constants.has(name) || !isOnGrid(name)) return undefined;
      if (made.has(name) || name === layer) reach.set(name, Math.max(reach.get(name) ?? 0, from + further));
      else beside.add(name);
    }
  }
  const most = reach.get(layer);
  return most === undefined ? undefined : { reach: most, grid, reads: [layer, ...beside] };
}

/**
 * A map on the window of a tensor on a layer. What the adjoint reads is made again from the cells of the window: a run of the model hands over
 * the layer alone, and its head stays as the runtime has fused it. What lies at the window's edge is then not as in the whole grid, but no
 * cell that the gradient reaches depends on it; where the window ends with the grid, both are padded alike.
 */
export function windowOf(
  { model, tensors, options }: ObservedModel & { readonly options: SessionOptions },
  sight: Sight,
  tensor: string,
  layer: string,
  map: LayerMap,
): HeadWindow {
  const size = sizeOf(sight);
  // Cut out of their grid, tensors have as many rows and columns as a window, and one picture for each.
  const parts = [...tensors].map(([name, one]): [string, TensorType] => [
    name,
    liesOn(sight.grid, one.dims) && !model.constants.has(name)
      ? { ...one, dims: [-1, one.dims[1] ?? -1, ...size], perImage: true }
      : one,
  ]);
  const cut: Observed = Object.assign(new Map(parts), { bodies: tensors.bodies });
  const adjoint = compileAdjoint({
    ...{ model, tensors: cut, seeds: tensorSeeds({ model, tensors: cut }, [tensor]) },
    ends: [layerEnd(layer, { channels: 1, grid: size }, map)],
    overrides: overridesOf("plain", options),
  });
  return { adjoint: madeAgain(model, adjoint, layer), tensors: cut };
}

/** An adjoint that makes what it reads from a layer, under names of its own. */
function madeAgain(model: Model, adjoint: Adjoint, layer: string): Adjoint {
  const again = nodesBehind(model, layer, adjoint.residuals);
  const own = new Set(again.flatMap(({ output }) => output));
  const prefix = `${freshPrefix(model)}again/`;
  const rename = (name: string) => (own.has(name) ? prefix + name : name);
  const nodes = [...again, ...adjoint.extension.nodes].map((node) => renamedNode(changed(node, { name: "" }), rename));
  const extension = { ...adjoint.extension, nodes };
  return { ...adjoint, extension, residuals: readsOf(model, extension).residuals };
}

const liesOn = ([height, width]: Sight["grid"], dims: readonly number[] = []): boolean =>
  dims.length === 4 && dims[2] === height && dims[3] === width;

/** Rows and columns of a window. */
export const sizeOf = ({ reach, grid }: Sight): number[] => grid.map((length) => Math.min(length, 2 * reach + 1));

/** Whether a constant means the same to every cell: one that is joined to a grid, or has rows or columns of its own, does not. */
function isAlikeEverywhere(model: Model, tensors: Observed, { opType }: NodeProto, name: string): boolean {
  if (!broadcasting.has(opType)) return opType !== "Concat";
  const dims = model.initializers.get(name)?.dims.map(Number) ?? tensors.get(name)?.dims;
  return dims?.slice(-2).every((d) => d === 1) ?? false;
}

/** How many cells further than its output's a node's input is read; undefined for what is not the same everywhere on a grid. */
function stepOf(node: NodeProto, tensors: Observed): number | undefined {
  const { opType, input } = node;
  const a = new Attributes(node);
  if (cellwise.has(opType)) return 0;
  if (opType === "Concat" || opType === "Split") return [1, -3].includes(a.int("axis", 0)) ? 0 : undefined;
  if (!["Conv", "MaxPool", "AveragePool"].includes(opType)) return undefined;
  const kernel = a.ints("kernel_shape") ?? tensors.get(input[1] ?? "")?.dims.slice(2) ?? [];
  if (a.ints("strides")?.some((s) => s !== 1) || kernel.length !== 2) return undefined;
  const pads = a.string("auto_pad", "NOTSET") === "NOTSET" ? a.ints("pads") : undefined;
  // Its output lies on the same grid, so the padding of both sides together is what the kernel reaches.
  return Math.max(
    ...kernel.map((size, axis) => {
      const all = (size - 1) * (a.ints("dilations")?.[axis] ?? 1);
      const before = pads?.[axis] ?? Math.ceil(all / 2);
      return Math.max(before, all - before);
    }),
  );
}

/** The rows and columns of a window around a cell, wholly on the grid. */
export function placedAt(sight: Sight, cell: readonly [number, number]) {
  const { reach, grid } = sight;
  return sizeOf(sight).map((length, axis) => {
    const size = grid[axis] ?? length;
    return { from: Math.min(Math.max(0, (cell[axis] ?? 0) - reach), size - length), length };
  }) as [Span, Span];
}

export interface Span {
  readonly from: number;
  readonly length: number;
}
