/**
 * @file How the axes of a layer are to be read: channels first or last, or a grid laid out as tokens behind a class token and its like.
 *
 * Nothing in an ONNX file says so. What convolutions and poolings give has its channels first, always; so their grids are known, and a
 * tensor elsewhere is read in the way in which it has one of these grids, or half of one (patches merged), or its product as tokens.
 */
import type { LayerParts } from "../methods/method.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { gradientType } from "../onnx/types.ts";
import type { Patches } from "./tokens.ts";

/** How a caller says that a layer holds tokens. */
export interface TokenGrid {
  /** Rows and columns, row by row. */
  readonly grid: readonly number[];
  /** Tokens before those of the grid (class token, registers, text); by default what the grid leaves over. */
  readonly prefix?: number;
}

export interface Layout {
  /** The axis of the channels. */
  readonly channels: number;
  /** Sizes of the grid; -1 where only the run knows. */
  readonly grid: readonly number[];
  /** Where the grid is one axis of tokens: how many come before it. */
  readonly prefix?: number;
}

/** The grids of a network, of which its layers have one. */
export interface Grids {
  /** Axes of the image: batch, channels and grid. */
  readonly rank: number;
  /** What convolutions and poolings give. */
  readonly made: readonly { readonly channels: number; readonly grid: readonly number[] }[];
  /** Those, and their halves, by their text. */
  readonly known: ReadonlyMap<string, readonly number[]>;
  /** Lengths of the texts that the network reads beside the image. */
  readonly texts: readonly number[];
}

const making = new Set(
  "Conv FusedConv QLinearConv ConvInteger ConvTranspose MaxPool AveragePool LpPool Resize Upsample DepthToSpace SpaceToDepth".split(
    " ",
  ),
);

export function gridsOf(model: Model, tensors: Observed, image: string): Grids {
  const rank = tensors.get(image)?.dims.length ?? 0;
  const made = model.graph.node
    .filter(({ opType }) => making.has(opType))
    .map(({ output: [name] }) => tensors.get(name)?.dims ?? [])
    .filter((dims) => dims.length === rank)
    .map(([, channels, ...grid]) => ({ channels, grid }));
  const known = new Map<string, readonly number[]>();
  for (const { grid } of made)
    for (let part = [...grid]; !known.has(String(part)); part = part.map((d) => (d > 0 ? Math.ceil(d / 2) : d)))
      known.set(String(part), part);
  const beside = model.inputs.map(({ name }) => tensors.get(name)?.dims ?? []);
  return { rank, made, known, texts: beside.filter((dims) => dims.length === 2).map(([, length]) => length) };
}

/** The layout in which a tensor has a known grid; undefined where it has none, or one that is a single place. */
export function layoutOf(tensor: TensorType, grids: Grids, tokens?: TokenGrid): Layout | undefined {
  const { dims, perImage } = tensor;
  if (!perImage) return undefined;
  const fits = ({ grid }: Layout) => grids.known.has(String(grid)) && grid.some((d) => d !== 1);
  if (dims.length === grids.rank) return [channelsFirst(dims), channelsLast(dims)].find(fits);
  return dims.length === 3 ? tokenLayout(dims, grids, tokens) : undefined;
}

export const channelsFirst = (dims: readonly number[]): Layout => ({ channels: 1, grid: dims.slice(2) });
const channelsLast = (dims: readonly number[]): Layout => ({ channels: dims.length - 1, grid: dims.slice(1, -1) });

/**
 * [n, tokens, channels]: the largest grid that the tokens have room for, among those of a convolution of as many channels; tokens merged
 * since, which no convolution made, fill half of a grid, and are not as many as the words of a text.
 */
function tokenLayout([, count, channels]: readonly number[], grids: Grids, tokens?: TokenGrid): Layout | undefined {
  const { made, known, texts } = grids;
  const room = made.filter((m) => m.channels === channels && product(m.grid) <= count).map(({ grid }) => grid);
  const [largest] = room.toSorted((a, b) => product(b) - product(a));
  const merged = [...known].find(
    ([text, half]) => product(half) === count && !texts.includes(count) && !made.some((m) => String(m.grid) === text),
  );
  const filled = largest && product(largest) === count;
  const grid = tokens?.grid ?? (filled ? largest : (merged?.[1] ?? largest));
  if (!grid || product(grid) <= 1) return undefined;
  const prefix = tokens?.prefix ?? count - product(grid);
  return prefix >= 0 && prefix + product(grid) <= count ? { channels: 2, grid, prefix } : undefined;
}

/** The places of a layout's patches on the axis of the tokens. */
export const patchesOf = ({ grid, prefix = 0 }: Layout): Patches => ({
  axis: 1,
  from: prefix,
  to: prefix + product(grid),
});

/** A layer's tensor as [n, channels, ...grid]. */
function arrange(build: Builder, x: Value, { channels, grid, prefix }: Layout): Value {
  if (prefix === undefined) {
    const rank = grid.length + 2;
    return channels === 1
      ? x
      : build.transpose(x, [0, channels, ...range(rank).filter((a) => a > 0 && a !== channels)]);
  }
  const patches = build.slice(x, 1, prefix, prefix + product(grid));
  const channelRows = build.transpose(patches, [0, 2, 1]);
  const dims = [x.dims?.[0] ?? -1, x.dims?.[2] ?? -1, ...grid];
  return { ...build.reshape(channelRows, [0, 0, ...grid]), dims };
}

/** What a map at a layer is made of, from its activations and their gradient as the model lays them out. */
export function layerParts(build: Builder, activations: Value, gradient: Value, layout: Layout): LayerParts {
  const a = arrange(build, build.cast(activations, gradientType(activations.type)), layout);
  const da = arrange(build, gradient, layout);
  return { build, a, da, grid: layout.grid.map((_, i) => i + 2) };
}
