/**
 * @file Where the axes of tensors come from: each axis of the picture is followed through the graph, moved, split, merged and pooled.
 *
 * Nothing in an ONNX file says which axis of a tensor is height. What reads the picture first says it (a convolution has its channels
 * behind the batch and its grid behind them), and from there on every operator says what it does to axes. Of a tensor whose axes cannot
 * be followed nothing is known, which is not the same as that it has no grid.
 */
import { range } from "../onnx/dims.ts";
import { Attributes, argumentOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { nameOf } from "../ops/index.ts";
import { products } from "./families.ts";
import { feature, features, isSpatial, nothing, type Origin, type Origins, type Part, spans, whole } from "./origin.ts";
import { einsumOrigins, regroup } from "./regroup.ts";

const mixed: Origin = { parts: [], before: 0, mixed: true };

const convolutions = new Set(
  "Conv FusedConv QLinearConv ConvInteger ConvTranspose DeformConv com.microsoft.FusedConv com.microsoft.nchwc.Conv".split(
    " ",
  ),
);
const convolutionsLast = new Set(["com.microsoft.NhwcConv", "com.microsoft.NhwcFusedConv"]);
export const isConvolution = (node: NodeProto): boolean =>
  convolutions.has(nameOf(node)) || convolutionsLast.has(nameOf(node));
/** Operators that change the sizes of axes, and neither their order nor their number. */
const resizing = new Set("MaxPool AveragePool LpPool Resize Upsample Pad Tile CenterCropPad".split(" "));
/** Operators whose result has nothing of the picture's axes, or none that matter. */
const ending = new Set(
  "Shape Size NonZero ConstantOfShape Range Unique RoiAlign MaxRoiPool NonMaxSuppression OneHot EyeLike GatherND If Loop Scan SequenceConstruct".split(
    " ",
  ),
);

type Axes = readonly Origin[];

/** The origins of all tensors that can be followed from an input. */
export function originsOf(model: Model, tensors: Observed, input: string): Origins {
  const known = new Map<string, Axes>();
  const given = tensors.get(input)?.dims;
  if (!given) return known;
  known.set(
    input,
    given.map((size, axis) => ({ parts: [whole(axis, size)], before: 0 })),
  );
  for (const node of model.graph.node) {
    if (!node.input.some((name) => known.has(name)) || ending.has(node.opType)) continue;
    node.output.forEach((name, i) => {
      const tensor = tensors.get(name);
      if (!tensor || tensor.type === DataType.INT64 || tensor.type === DataType.BOOL) return;
      const origins = new Follow(model, tensors, known, node, i, tensor.dims).origins();
      if (origins?.length === tensor.dims.length) known.set(name, origins);
    });
  }
  return known;
}

/** What one node does to the axes of one of its outputs. */
class Follow {
  readonly #a: Attributes;
  /** Sizes of the first input. */
  readonly #dims: readonly number[];

  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
    private readonly known: Origins,
    private readonly node: NodeProto,
    private readonly index: number,
    private readonly made: readonly number[],
  ) {
    this.#a = new Attributes(node);
    this.#dims = tensors.get(node.input[0])?.dims ?? [];
  }

  origins(): Axes | undefined {
    const { node, made, known } = this;
    const name = nameOf(node);
    if (products.has(node.opType)) return this.#product(1);
    if (name === "QLinearMatMul") return this.#product(3);
    if (node.opType === "Concat") return this.#joined();
    if (node.opType === "Einsum") {
      const operands = node.input.map((operand) => known.get(operand));
      return einsumOrigins(this.#a.string("equation", ""), operands, made);
    }
    const x = known.get(node.input[0]);
    if (convolutions.has(name)) return x && this.#convolved(x, 1);
    if (convolutionsLast.has(name)) return x && this.#convolved(x, made.length - 1);
    if (resizing.has(node.opType)) return x?.map((origin, i) => resized(origin, made[i]));
    if (node.opType.startsWith("Reduce")) return x && this.#reduced(x, this.#axes(1, x.length) ?? range(x.length));
    switch (node.opType) {
      case "Transpose":
        return x && (this.#a.ints("perm") ?? range(x.length).reverse()).map((axis) => x[axis]);
      case "Reshape":
      case "Flatten":
        return x && regroup(this.#dims, x, made);
      case "Squeeze":
        return x && this.#reduced(x, this.#axes(1, x.length) ?? range(x.length).filter((i) => this.#dims[i] === 1));
      case "Unsqueeze":
        return x && this.#unsqueezed(x);
      case "Gemm":
        return x && [x[this.#a.int("transA", 0)], feature(made[1])];
      case "Split":
        return x && this.#part(x, this.#axis(0), this.#before(node.output.slice(0, this.index), this.#axis(0)));
      case "Slice":
        return x && this.#sliced(x);
      case "Gather":
        return x && this.#gathered(x, this.#axis(0));
      case "GlobalAveragePool":
      case "GlobalMaxPool":
      case "GlobalLpPool":
        return x?.map((origin, i) => (i < 2 ? origin : nothing));
      case "DepthToSpace":
      case "SpaceToDepth":
        return x?.map((origin, i) => (i === 1 ? feature(made[1]) : resized(origin, made[i])));
      case "LSTM":
      case "GRU":
      case "RNN":
        return x && this.index === 0 && made.length === 4 ? [x[0], nothing, x[1], feature(made[3])] : undefined;
    }
    return this.#elementwise();
  }

  #convolved(x: Axes, channels: number): Axes {
    return this.made.map((size, i) => (i === channels ? feature(size) : i === 0 ? x[0] : filtered(x[i], size)));
  }

  #product(right: number): Axes | undefined {
    const { made, node, known } = this;
    const rank = made.length;
    if (this.#dims.length < 2 || rank < 2) return undefined;
    const at = (name: string, attribute: string) => {
      const origins = known.get(name);
      const [rows, columns] = origins?.slice(-2) ?? [];
      const turned = this.#a.int(attribute, 0) ? origins?.with(-2, columns).with(-1, rows) : origins;
      return (i: number) => turned?.[i - rank + turned.length];
    };
    const [left, other] = [at(node.input[0], "transA"), at(node.input[right], "transB")];
    return made.map((size, i) => {
      if (i < rank - 2) return telling([left(i), other(i)], size);
      return (i === rank - 1 ? other(i) : left(i)) ?? feature(size);
    });
  }

  #unsqueezed(x: Axes): Axes | undefined {
    const axes = this.#axes(1, this.made.length);
    const rest = [...x];
    return axes && this.made.map((_, i) => (axes.includes(i) ? nothing : (rest.shift() ?? nothing)));
  }

  /** Without the places of some axes, which stay as axes of one place or go. */
  #reduced(x: Axes, axes: readonly number[]): Axes {
    if (this.made.length === x.length) return x.map((origin, i) => (axes.includes(i) ? nothing : origin));
    return x.filter((_, i) => !axes.includes(i));
  }

  /** Places of one axis from `start` on, as many as were made. */
  #part(x: Axes, at: number, start: number | undefined): Axes {
    return x.map((origin, i) => (i === at ? cut(origin, start, this.made[i], this.#dims[i] ?? -1) : origin));
  }

  #sliced(x: Axes): Axes {
    const starts = this.#values(1, "starts");
    const axes = this.#axes(3, x.length) ?? starts?.map((_, i) => i);
    return x.reduce<Axes>((origins, _, i) => {
      const start = starts?.[axes?.indexOf(i) ?? -1];
      if (this.made[i] === this.#dims[i]) return origins;
      return this.#part(origins, i, start !== undefined && start < 0 ? start + this.#dims[i] : start);
    }, x);
  }

  #gathered(x: Axes, axis: number): Axes | undefined {
    if (this.made.length === x.length - 1) return x.filter((_, i) => i !== axis);
    return this.made.length === x.length ? this.#part(x, axis, undefined) : undefined;
  }

  #joined(): Axes | undefined {
    const { node, made, known } = this;
    const axis = this.#axis(1, made.length);
    const operands = node.input.map((name) => known.get(name));
    return made.map((size, i) => {
      const there = operands.map((origins) => origins?.[i]);
      if (i !== axis) return telling(there, size);
      const placed = there.flatMap((origin, k) => (origin && isSpatial(origin) ? [{ origin, k }] : []));
      if (placed.length === 0) return feature(size);
      const channels = there.filter((origin) => origin && !isSpatial(origin) && origin.parts.length);
      const [{ origin, k }] = placed;
      const [part] = origin.parts;
      // The picture's own channels, put together: colours in another order, or neighbours side by side.
      if (
        placed.length > 1 &&
        placed.every((p) => p.origin.parts.length === 1 && p.origin.parts[0].axis === part?.axis)
      )
        return { parts: [{ ...part, size, of: size }], before: 0 };
      if (placed.length > 1 || channels.length) return mixed;
      return { ...origin, before: origin.before + this.#before(node.input.slice(0, k), i), extended: true };
    });
  }

  /** Of operands of one shape, or spread over it. */
  #elementwise(): Axes | undefined {
    const { made, known, tensors } = this;
    const operands = this.node.input.flatMap((name) => {
      const [origins, dims] = [known.get(name), tensors.get(name)?.dims];
      return origins && dims ? [{ origins, dims, shift: dims.length - made.length }] : [];
    });
    const fits = operands.filter(
      ({ dims, shift }) => shift <= 0 && dims.every((d, i) => d === made[i - shift] || d === 1 || d === -1),
    );
    if (!fits.some(({ shift }) => shift === 0)) return undefined;
    const runs = (d: number, size: number) => d === size || d === -1 || size === -1;
    return made.map((size, i) =>
      telling(
        fits.map(({ origins, dims, shift }) => (runs(dims[i + shift], size) ? origins[i + shift] : undefined)),
        size,
      ),
    );
  }

  /** The attribute `axis`, among as many axes as the first input has. */
  #axis(otherwise: number, rank = this.#dims.length): number {
    const axis = this.#a.int("axis", otherwise);
    return axis < 0 ? axis + rank : axis;
  }

  #axes(input: number, rank: number): readonly number[] | undefined {
    return this.#values(input, "axes")?.map((a) => (a < 0 ? a + rank : a));
  }

  #values(input: number, attribute: string): readonly number[] | undefined {
    return argumentOf(this.model, this.tensors, this.node, input, attribute);
  }

  /** Places of some tensors along an axis; NaN where only the run knows. */
  #before(names: readonly string[], axis: number): number {
    return names.reduce((sum, name) => sum + sized(this.tensors.get(name)?.dims[axis]), 0);
  }
}

const sized = (size = -1): number => (size < 0 ? Number.NaN : size);

/** Of what is known of one axis, what says most: places rather than channels, anything rather than nothing. */
function telling(origins: readonly (Origin | undefined)[], size: number): Origin {
  const known = origins.filter((origin) => origin !== undefined);
  const placed = known.filter(isSpatial);
  return (
    placed.find((one) => !one.mixed) ??
    placed[0] ??
    known.find(({ parts }) => parts.length > 0) ??
    (size === 1 ? nothing : mixed)
  );
}

/** What a convolution makes of an axis: a grid of its own, though channels were dealt out on it. */
function filtered(origin: Origin | undefined, size: number): Origin {
  const [part, ...more] = origin?.parts.filter(({ axis }) => axis !== features) ?? [];
  if (!origin || !part || more.length || origin.mixed || origin.before || !spans(part)) return resized(origin, size);
  return { parts: [whole(part.axis, size)], before: 0 };
}

/** The same places, more or fewer of them. */
function resized(origin: Origin | undefined, size: number): Origin {
  if (!origin) return nothing;
  const { parts, before } = origin;
  if (parts.length === 0 || origin.mixed) return origin;
  if (parts.length === 1 && before === 0)
    return parts[0].size === size ? origin : { parts: [otherwiseMany(parts[0], size)], before };
  return sizeOf(origin) === size ? origin : mixed;
}

/** A part that goes along all of its axis still does. */
const otherwiseMany = (part: Part, size: number): Part => (spans(part) ? whole(part.axis, size) : { ...part, size });

/** Places from `start` on of an axis of so many; a grid of tokens stays one only where all of it is among them. */
function cut(origin: Origin, start: number | undefined, size: number, of: number): Origin {
  const { parts, before } = origin;
  if (size === of || origin.mixed) return origin;
  if (before === 0 && parts.length <= 1) return resized(origin, size);
  const tokens = sizeOf(origin) - before;
  if (start === undefined || Number.isNaN(before)) return mixed;
  if (start <= before && start + size >= before + tokens) return { parts, before: before - start };
  return start + size <= before || start >= before + tokens ? nothing : mixed;
}

const sizeOf = ({ parts, before }: Origin): number => parts.reduce((product, { size }) => product * size, 1) + before;
