/**
 * @file Where the axes of tensors come from: each axis of the picture is followed through the graph, moved, split, merged and pooled.
 *
 * Nothing in an ONNX file says which axis of a tensor is height. What reads the picture first says it (a convolution has its channels
 * behind the batch and its grid behind them), and from there on every operator says what it does to axes. Of a tensor whose axes cannot
 * be followed nothing is known, which is not the same as that it has no grid.
 */
import { Attributes, constantValues, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { DataType, type NodeProto } from "../onnx/proto.ts";
import { nameOf } from "../ops/index.ts";
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
const products = new Set(
  "MatMul MatMulInteger com.microsoft.FusedMatMul com.microsoft.MatMulNBits com.microsoft.MatMulIntegerToFloat com.microsoft.DynamicQuantizeMatMul".split(
    " ",
  ),
);
/** Operators that change the sizes of axes, and neither their order nor their number. */
const resizing = new Set("MaxPool AveragePool LpPool Resize Upsample Pad Tile CenterCropPad".split(" "));
/** Operators whose result has nothing of the picture's axes, or none that matter. */
const ending = new Set(
  "Shape Size NonZero ConstantOfShape Range Unique RoiAlign MaxRoiPool NonMaxSuppression OneHot EyeLike GatherND If Loop Scan SequenceConstruct".split(
    " ",
  ),
);

/** The origins of all tensors that can be followed from an input. */
export function originsOf(model: Model, tensors: Observed, input: string): Origins {
  const known = new Map<string, readonly Origin[]>();
  const dimsOf = (name: string) => tensors.get(name)?.dims;
  const given = dimsOf(input);
  if (!given) return known;
  known.set(
    input,
    given.map((size, axis) => ({ parts: [whole(axis, size)], before: 0 })),
  );
  for (const node of model.graph.node) {
    if (!node.input.some((name) => known.has(name)) || ending.has(node.opType)) continue;
    const followed = new Follow(model, node, known, dimsOf);
    node.output.forEach((name, i) => {
      const type = tensors.get(name)?.type;
      if (!name || !dimsOf(name) || type === DataType.INT64 || type === DataType.BOOL) return;
      const origins = followed.output(i);
      if (origins?.length === dimsOf(name)?.length) known.set(name, origins as readonly Origin[]);
    });
  }
  return known;
}

/** What one node does to axes. */
class Follow {
  readonly #attributes: Attributes;

  constructor(
    private readonly model: Model,
    private readonly node: NodeProto,
    private readonly known: Origins,
    private readonly dimsOf: (name: string) => readonly number[] | undefined,
  ) {
    this.#attributes = new Attributes(node);
  }

  output(index: number): readonly Origin[] | undefined {
    const { node } = this;
    const name = nameOf(node);
    const made = this.dimsOf(node.output[index]) ?? [];
    const x = this.known.get(node.input[0]);
    if (convolutions.has(name)) return x && this.#convolved(x, made, 1);
    if (convolutionsLast.has(name)) return x && this.#convolved(x, made, made.length - 1);
    if (products.has(name)) return this.#product(made);
    if (name === "QLinearMatMul") return this.#product(made, 3);
    if (resizing.has(node.opType)) return x?.map((origin, i) => resized(origin, made[i]));
    switch (node.opType) {
      case "Transpose":
        return x && (this.#attributes.ints("perm") ?? x.map((_, i) => x.length - 1 - i)).map((axis) => x[axis]);
      case "Reshape":
      case "Flatten":
        return x && regroup(this.dimsOf(node.input[0]) ?? [], x, made);
      case "Squeeze":
        return x && this.#squeezed(x, made);
      case "Unsqueeze":
        return x && this.#unsqueezed(x, made);
      case "Gemm":
        return x && [x[this.#attributes.int("transA", 0)], feature(made[1])];
      case "Concat":
        return this.#joined(made);
      case "Split":
        return x && this.#part(x, this.#axis("axis", 0), this.#before(index), made);
      case "Slice":
        return x && this.#sliced(x, made);
      case "Gather":
        return x && this.#gathered(x, made);
      case "GlobalAveragePool":
      case "GlobalMaxPool":
      case "GlobalLpPool":
        return x?.map((origin, i) => (i < 2 ? origin : nothing));
      case "DepthToSpace":
      case "SpaceToDepth":
        return x?.map((origin, i) => (i === 1 ? feature(made[1]) : resized(origin, made[i])));
      case "Einsum":
        return einsumOrigins(
          this.#attributes.string("equation", ""),
          node.input.map((operand) => this.known.get(operand)),
          made,
        );
      case "LSTM":
      case "GRU":
      case "RNN":
        return x && index === 0 && made.length === 4 ? [x[0], nothing, x[1], feature(made[3])] : undefined;
    }
    if (node.opType.startsWith("Reduce")) return x && this.#reduced(x, made);
    return this.#elementwise(made);
  }

  #convolved(x: readonly Origin[], made: readonly number[], channels: number): readonly Origin[] {
    return made.map((size, i) => (i === channels ? feature(size) : i === 0 ? x[0] : filtered(x[i], size)));
  }

  #product(made: readonly number[], right = 1): readonly Origin[] | undefined {
    const [a, b] = [this.node.input[0], this.node.input[right]];
    const transposed = (name: string, attribute: string) => {
      const origins = this.known.get(name);
      return origins && this.#attributes.int(attribute, 0)
        ? origins.with(-2, origins[origins.length - 1]).with(-1, origins[origins.length - 2])
        : origins;
    };
    const [left, other] = [transposed(a, "transA"), transposed(b, "transB")];
    const rank = made.length;
    if ((this.dimsOf(a)?.length ?? 0) < 2 || rank < 2) return undefined;
    const at = (origins: readonly Origin[] | undefined, i: number) => origins?.[i - rank + origins.length];
    return made.map((size, i) => {
      if (i === rank - 1) return at(other, i) ?? feature(size);
      if (i === rank - 2) return at(left, i) ?? feature(size);
      return telling([at(left, i), at(other, i)], size);
    });
  }

  #squeezed(x: readonly Origin[], made: readonly number[]): readonly Origin[] | undefined {
    const dims = this.dimsOf(this.node.input[0]) ?? [];
    const axes = this.#axes(1)?.map((a) => (a < 0 ? a + x.length : a));
    const kept = x.filter((_, i) => (axes ? !axes.includes(i) : dims[i] !== 1));
    return kept.length === made.length ? kept : undefined;
  }

  #unsqueezed(x: readonly Origin[], made: readonly number[]): readonly Origin[] | undefined {
    const axes = this.#axes(1)?.map((a) => (a < 0 ? a + made.length : a));
    if (!axes) return undefined;
    const rest = [...x];
    return made.map((_, i) => (axes.includes(i) ? nothing : (rest.shift() ?? nothing)));
  }

  #reduced(x: readonly Origin[], made: readonly number[]): readonly Origin[] | undefined {
    const axes = this.#axes(1)?.map((a) => (a < 0 ? a + x.length : a)) ?? x.map((_, i) => i);
    if (made.length === x.length) return x.map((origin, i) => (axes.includes(i) ? nothing : origin));
    const kept = x.filter((_, i) => !axes.includes(i));
    return kept.length === made.length ? kept : undefined;
  }

  /** Places of one axis from `start` on, as many as were made. */
  #part(x: readonly Origin[], axis: number, start: number | undefined, made: readonly number[]): readonly Origin[] {
    const at = axis < 0 ? axis + x.length : axis;
    const size = this.dimsOf(this.node.input[0])?.[at] ?? -1;
    return x.map((origin, i) => (i === at ? cut(origin, start, made[i], size) : origin));
  }

  #sliced(x: readonly Origin[], made: readonly number[]): readonly Origin[] {
    const dims = this.dimsOf(this.node.input[0]) ?? [];
    const starts = this.#values(1, "starts");
    const axes = (this.#values(3, "axes") ?? starts?.map((_, i) => i))?.map((a) => (a < 0 ? a + x.length : a));
    return x.map((origin, i) => {
      if (made[i] === dims[i]) return origin;
      const start = starts?.[axes?.indexOf(i) ?? -1];
      return cut(origin, start !== undefined && start < 0 ? start + dims[i] : start, made[i], dims[i]);
    });
  }

  #gathered(x: readonly Origin[], made: readonly number[]): readonly Origin[] | undefined {
    const at = this.#axis("axis", 0);
    const axis = at < 0 ? at + x.length : at;
    if (made.length === x.length - 1) return x.filter((_, i) => i !== axis);
    if (made.length !== x.length) return undefined;
    const size = this.dimsOf(this.node.input[0])?.[axis] ?? -1;
    return x.map((origin, i) => (i === axis ? cut(origin, undefined, made[i], size) : origin));
  }

  #joined(made: readonly number[]): readonly Origin[] | undefined {
    const { input } = this.node;
    const at = this.#axis("axis", 1);
    const axis = at < 0 ? at + made.length : at;
    const operands = input.map((name) => this.known.get(name));
    return made.map((size, i) => {
      const there = operands.map((origins) => origins?.[i]);
      if (i !== axis) return telling(there, size);
      const placed = there.flatMap((origin, k) => (origin && isSpatial(origin) ? [k] : []));
      if (placed.length === 0) return feature(size);
      const channels = there.filter((origin) => origin && !isSpatial(origin) && origin.parts.length);
      const [k] = placed;
      const origin = there[k] as Origin;
      // The picture's own channels, put together: colours in another order, or neighbours side by side.
      if (
        placed.length > 1 &&
        placed.every((p) => there[p]?.parts.length === 1 && there[p]?.parts[0].axis === origin.parts[0]?.axis)
      )
        return { parts: [{ ...origin.parts[0], size, of: size }], before: 0 };
      if (placed.length > 1 || channels.length) return mixed;
      const sizes = input.slice(0, k).map((name) => sized(this.dimsOf(name)?.[i]));
      return { ...origin, before: origin.before + sizes.reduce((a, b) => a + b, 0), extended: true };
    });
  }

  /** Of operands of one shape, or spread over it. */
  #elementwise(made: readonly number[]): readonly Origin[] | undefined {
    const operands = this.node.input.flatMap((name) => {
      const [origins, dims] = [this.known.get(name), this.dimsOf(name)];
      return origins && dims ? [{ origins, dims }] : [];
    });
    const shift = (length: number) => length - made.length;
    const fits = operands.filter(
      ({ dims }) =>
        dims.length <= made.length && dims.every((d, i) => d === made[i - shift(dims.length)] || d === 1 || d === -1),
    );
    if (!fits.some(({ dims }) => dims.length === made.length)) return undefined;
    return made.map((size, i) =>
      telling(
        fits.map(({ origins, dims }) =>
          [size, -1].includes(dims[i + shift(dims.length)]) || size === -1
            ? origins[i + shift(dims.length)]
            : undefined,
        ),
        size,
      ),
    );
  }

  #axis(name: string, otherwise: number): number {
    return this.#attributes.int(name, otherwise);
  }

  #axes(input: number): readonly number[] | undefined {
    return this.#values(input, "axes");
  }

  /** The numbers of an attribute, or of the constant input that later operator sets have in its place. */
  #values(input: number, attribute: string): readonly number[] | undefined {
    const name = this.node.input[input];
    return this.#attributes.ints(attribute) ?? (name ? constantValues(this.model, name) : undefined);
  }

  /** Places of the outputs of a Split before one. */
  #before(index: number): number {
    const at = this.#axis("axis", 0);
    return this.node.output.slice(0, index).reduce((sum, name) => {
      const dims = this.dimsOf(name);
      return sum + (dims?.[at < 0 ? at + dims.length : at] ?? Number.NaN);
    }, 0);
  }
}

const sized = (size = -1): number => (size < 0 ? Number.NaN : size);

/** Of what is known of one axis, what says most: places rather than channels, anything rather than nothing. */
function telling(origins: readonly (Origin | undefined)[], size: number): Origin {
  const known = origins.filter((origin) => origin !== undefined);
  return known.find(isSpatial) ?? known.find(({ parts }) => parts.length > 0) ?? (size === 1 ? nothing : mixed);
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
