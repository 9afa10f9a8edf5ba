/**
 * @file How the axes of a layer are to be read: channels first or last, or a grid laid out as tokens behind a class token and its like.
 *
 * Where the layer's axes could be followed from the picture, by that. Elsewhere by sizes: what convolutions and poolings give has its
 * channels first, always; so their grids are known, and a tensor is read in the way in which it has one of these grids, or half of one
 * (patches merged), or its product as tokens.
 */
import type { End } from "../autodiff/adjoint.ts";
import { UserError } from "../errors.ts";
import { builtMap } from "../methods/layer-map.ts";
import type { LayerMap, Sweep, SweepMap } from "../methods/method.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { gradientType } from "../onnx/types.ts";
import { type Axes, inAxes, plainIn } from "./axes.ts";
import type { ExplainedInput } from "./inputs.ts";
import { isSpatial, type Origin, spans } from "./origin.ts";
import { zeroPointOf } from "./zero-point.ts";

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
  /** Sizes of the grid, in the picture's order; -1 where only the run knows. */
  readonly grid: readonly number[];
  /** The axes of the grid, where they stand in another order than the picture's. */
  readonly turned?: readonly number[];
  /** Where the grid is one axis of tokens: how many come before it. */
  readonly prefix?: number;
  /** Of small integers: which one stands for 0. */
  readonly zero?: number;
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
  /** What is explained, whose axes are followed. */
  readonly explained?: ExplainedInput;
}

const making = new Set(
  "Conv FusedConv QLinearConv ConvInteger ConvTranspose MaxPool AveragePool LpPool Resize Upsample DepthToSpace SpaceToDepth".split(
    " ",
  ),
);

export function gridsOf(model: Model, tensors: Observed, explained: ExplainedInput): Grids {
  const rank = explained.axes.grid.length + 2;
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
  const texts = beside.filter((dims) => dims.length === 2).map(([, length]) => length);
  return { rank, made, known, texts, explained };
}

/** The layout of a tensor that has a grid of the picture; undefined where it has none, or one that is a single place. */
export function layoutOf(name: string, tensor: TensorType, grids: Grids, tokens?: TokenGrid): Layout | undefined {
  const { dims, perImage } = tensor;
  const origins = grids.explained?.origins.get(name);
  if (tokens && dims.length === 3 && perImage) return tokenLayout(dims, grids, tokens);
  const followed = origins && followedLayout(dims, origins, (grids.explained as ExplainedInput).axes);
  if (followed) return followed === "none" ? undefined : followed;
  if (!perImage) return undefined;
  const fits = ({ grid }: Layout) => grids.known.has(String(grid)) && grid.some((d) => d !== 1);
  if (dims.length === grids.rank) return [channelsFirst(dims), channelsLast(dims)].find(fits);
  return dims.length === 3 ? tokenLayout(dims, grids, tokens) : undefined;
}

/**
 * By where the axes come from: the picture's grid in its order, each axis whole, or all of it on one axis as tokens. "none" where they
 * are known and are no grid; undefined where they are not known well enough.
 */
function followedLayout(dims: readonly number[], origins: readonly Origin[], axes: Axes): Layout | "none" | undefined {
  if (origins.some(({ mixed }) => mixed)) return undefined;
  const isBatch = ({ parts, extended }: Origin) => parts.length === 1 && parts[0].axis === axes.batch && !extended;
  const batch = origins.findIndex(isBatch);
  const [first] = origins;
  if (batch > 0) return "none"; // tokens before images: nothing here reads that order
  // A picture without a batch, or a batch of one that was merged away, has a first axis of one place.
  if (batch < 0 && !(dims[0] === 1 && !isSpatial(first))) return "none";
  const rest = origins.flatMap((_, i) => (i === 0 ? [] : [i]));
  const spatial = rest.filter((i) => origins[i].parts.some(({ axis }) => axes.grid.includes(axis)));
  const others = rest.filter((i) => !spatial.includes(i));
  if (spatial.length === 0 || others.length !== 1) return "none";
  const holds = (i: number, axis: number) => {
    const { parts, before, extended } = origins[i];
    return parts.length === 1 && before === 0 && !extended && parts[0].axis === axis && spans(parts[0]);
  };
  const places = axes.grid.map((axis) => spatial.find((i) => holds(i, axis)) ?? -1);
  if (spatial.length === axes.grid.length && !places.includes(-1)) {
    const grid = places.map((i) => dims[i]);
    const turned = places.some((place, k) => k > 0 && place < places[k - 1]);
    return grid.every((d) => d === 1) ? "none" : { channels: others[0], grid, ...(turned && { turned: places }) };
  }
  const [place] = spatial;
  const { parts, before } = origins[place];
  const inOrder = parts.length === axes.grid.length && parts.every((p, k) => p.axis === axes.grid[k] && spans(p));
  // Part of a grid, windows of one, a grid in another order or behind its channels: nothing here reads those.
  if (spatial.length > 1 || !inOrder || dims.length !== 3 || place !== 1) return "none";
  const grid = parts.map(({ size }) => size);
  return grid.every((d) => d === 1)
    ? "none"
    : { channels: 2, grid, prefix: Number.isNaN(before) ? dims[1] - product(grid) : before };
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

/** A layer's tensor as [n, channels, ...grid]. */
function arrange(build: Builder, x: Value, { channels, grid, prefix, turned }: Layout): Value {
  if (turned) return build.transpose(x, [0, channels, ...turned]);
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

/** The layout of small integers, which count from their zero point. */
export function countedFromZero(model: Model, name: string, { type }: TensorType, layout: Layout): Layout {
  const zero = zeroPointOf(model, name, type);
  if (zero === undefined)
    throw new UserError(
      "unsupported-operator",
      `unsupported operator: what stands for 0 in the small integers of "${name}" is not one constant; name the layer of floats before it`,
    );
  return zero === 0 ? layout : { ...layout, zero };
}

/** The end of an adjoint that is a map at a layer, [n, k, positions] as [n k, ...grid], of activations and gradients in any layout. */
export const layerEnd = (tensor: string, layout: Layout, map: LayerMap): End => ({
  tensor,
  make(build, activations, gradient, curvature) {
    const { grid, zero } = layout;
    const steps = build.cast(activations, gradientType(activations.type));
    const a = arrange(build, zero ? { ...build.sub(steps, zero), dims: steps.dims } : steps, layout);
    const parts = {
      ...{ build, a, da: arrange(build, gradient, layout), grid: grid.map((_, i) => i + 2) },
      ...(curvature && { curvature: () => arrange(build, curvature(), layout) }),
    };
    const sizes = parts.grid.map((axis) => build.dimOf(a, axis));
    const shape = isStatic(grid) ? [-1, ...grid] : build.concat([build.ints([-1]), ...sizes], 0);
    return { ...build.reshape(builtMap(map, parts), shape), dims: [-1, ...grid] };
  },
});

/** The end of an adjoint that is a map at the picture, made of the whole sweep, and the rules that the sweep goes by. */
export function sweepEnd(
  sweepMap: SweepMap,
  picture: string,
  axes: Axes,
  layoutOf: (name: string) => Layout | undefined,
): { readonly end: End; readonly rules: Sweep["rules"] } {
  const { rules, map } = sweepMap((build, name, value) => {
    const layout = layoutOf(name);
    return layout && arrange(build, value, layout);
  });
  const make: End["make"] = (build, image, gradient) => {
    const cast = build.cast(image, gradient.type);
    const plain = { image: plainIn(build, cast, axes), gradient: plainIn(build, gradient, axes) };
    return inAxes(build, map({ build, ...plain }), axes);
  };
  return { end: { tensor: picture, make }, rules };
}
