/**
 * @file How few cells of a layer decide one cell of a tensor behind it, where only convolutions and the like lie between: the head of a
 * detector, whose score at one place sees five cells by five. Its gradient is 0 elsewhere, so a map that is made place by place needs
 * those cells alone, and sixteen boxes are sixteen such windows in one run instead of sixteen grids.
 */
import { type Adjoint, compileAdjoint } from "../autodiff/adjoint.ts";
import { dependents } from "../autodiff/dependents.ts";
import { overridesOf } from "../autodiff/rules.ts";
import type { LayerMap } from "../methods/method.ts";
import { Attributes, inputsOf, type Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import type { SessionOptions } from "../onnx/runtime.ts";
import { layerEnd } from "../read/layout.ts";
import { ancestors } from "../read/score.ts";
import { tensorSeeds } from "./seeds.ts";

/** From one cell of a tensor to the cells of a layer that it sees: all within so many rows and columns of it. */
export interface HeadWindow {
  readonly reach: number;
  /** Rows and columns of both tensors. */
  readonly grid: readonly [number, number];
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

/** The window of a tensor on a layer; undefined where what lies between looks further than a few cells, or the layer has no such grid. */
export function windowOf(
  { model, tensors, options }: { readonly model: Model; readonly tensors: Observed; readonly options: SessionOptions },
  tensor: string,
  layer: string,
  map: LayerMap,
): HeadWindow | undefined {
  const [, , height = -1, width = -1] = tensors.get(layer)?.dims ?? [];
  const onGrid = ({ dims }: TensorType) => dims.length === 4 && dims[2] === height && dims[3] === width;
  const isOnGrid = (name: string) => onGrid(tensors.get(name) ?? { type: 0, dims: [], perImage: false });
  if (!map.placewise || height < 0 || width < 0 || !isOnGrid(tensor)) return undefined;
  const reach = reachOf(model, tensors, { tensor, layer, isOnGrid });
  if (reach === undefined) return undefined;
  const grid = [height, width] as const;
  const size = grid.map((length) => Math.min(length, 2 * reach + 1));
  // Cut out of their grid, tensors have as many rows and columns as a window, and one picture for each.
  const parts = [...tensors].map(([name, one]): [string, TensorType] => [
    name,
    onGrid(one) ? { ...one, dims: [-1, one.dims[1] ?? -1, ...size], perImage: true } : one,
  ]);
  const cut: Observed = Object.assign(new Map(parts), { bodies: tensors.bodies });
  const adjoint = compileAdjoint({
    ...{ model, tensors: cut, seeds: tensorSeeds({ model, tensors: cut }, [tensor]) },
    ends: [layerEnd(layer, { channels: 1, grid: size }, map)],
    overrides: overridesOf("plain", options),
  });
  return adjoint.residuals.every(isOnGrid) ? { reach, grid, adjoint, tensors: cut } : undefined;
}

interface Way {
  readonly tensor: string;
  readonly layer: string;
  readonly isOnGrid: (name: string) => boolean;
}

function reachOf(model: Model, tensors: Observed, { tensor, layer, isOnGrid }: Way): number | undefined {
  const behind = dependents(model, tensors, [layer]);
  const wanted = ancestors(model, [tensor], (name) => name === layer);
  const reach = new Map([[tensor, 0]]);
  for (const node of model.graph.node.toReversed()) {
    const outputs = node.output.filter((name) => reach.has(name) && behind.has(name) && name !== layer);
    if (outputs.length === 0) continue;
    const further = stepOf(node, tensors);
    if (further === undefined || !outputs.every(isOnGrid)) return undefined;
    const from = Math.max(...outputs.map((name) => reach.get(name) ?? 0));
    for (const name of inputsOf(node)) {
      if (!behind.has(name) || !(wanted.has(name) || name === layer)) continue;
      if (!isOnGrid(name)) return undefined;
      reach.set(name, Math.max(reach.get(name) ?? 0, from + further));
    }
  }
  return reach.get(layer);
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
export function placedAt({ reach, grid }: HeadWindow, cell: readonly [number, number]) {
  return grid.map((size, axis) => {
    const length = Math.min(size, 2 * reach + 1);
    return { from: Math.min(Math.max(0, (cell[axis] ?? 0) - reach), size - length), length };
  }) as [Span, Span];
}

export interface Span {
  readonly from: number;
  readonly length: number;
}
