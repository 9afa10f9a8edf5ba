/**
 * @file Where the cells of a layer look: the centres of their receptive fields on the network's input, from strides, pads, kernel sizes
 * and dilations of what lies between (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
 *
 * Which axis of a tensor still runs across the picture is known (read/origins.ts). Along it the cells have an extent: cell k sees from
 * `low + k * step` to `high + k * step`, in input pixels whose edges are whole numbers, the padding included. Where several paths meet,
 * their fields are joined, so that the centre is that of all that a cell sees. What looks everywhere at once (attention over tokens, gates
 * of squeeze-and-excitation) says nothing of a place: beside a path that does, it is passed over.
 */
import { UserError } from "../errors.ts";
import { Attributes, argumentOf, describe, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { eachAlone, rearranging } from "../read/families.ts";
import { type Origin, type Origins, type Part, spans } from "../read/origin.ts";
import { originsOf } from "../read/origins.ts";
import { ancestors } from "../read/score.ts";
import { type Along, type Window, windowRules } from "./field-windows.ts";

/** Along one axis: the centre of cell `k` is at `start + k * step`, in input pixels whose edges are whole numbers. */
export interface CellCentres {
  readonly start: number;
  readonly step: number;
}

/** The picture's input: which tensor, and which of its axes run across the picture. */
export interface PictureInput {
  readonly name: string;
  readonly axes: readonly number[];
}

/** What the cells of a tensor see of one axis of the picture. */
interface Field {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/** Where an axis of the picture is in a tensor. */
interface Place {
  readonly axis: number;
  readonly part: Part;
  /** Whether the cells are tokens, row by row or behind others: they have no neighbours to look at. */
  readonly tokens: boolean;
}

/** Operators that leave every cell where it is: they go element by element, mix channels alone, or put values under other axes. */
const leaving = new Set([
  ...rearranging,
  ...eachAlone,
  ...(
    "Max Min Sum Mean Where And Or Less Greater Equal Mod QLinearAdd QLinearMul Abs ThresholdedRelu Exp Log Reciprocal Sign Floor Ceil Round " +
    "Sin Cos Not CastLike BatchNormalization InstanceNormalization GroupNormalization SkipSimplifiedLayerNormalization LpNormalization " +
    "MeanVarianceNormalization LRN Softmax LogSoftmax QLinearSigmoid QLinearLeakyRelu Concat Gather ReduceMean ReduceSum ReduceMax " +
    "ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceSumSquare ReduceLogSumExp MatMul MatMulNBits"
  ).split(" "),
]);

/**
 * The centres of the receptive fields of a layer's cells, for each axis of its grid, in pixels of the network's input.
 * @throws UserError `invalid-option` where the layer's cells have no place in the picture, or it cannot be told.
 */
export function receptiveField(model: Model, tensors: Observed, picture: PictureInput, layer: string): CellCentres[] {
  const origins = originsOf(model, tensors, picture.name);
  const wanted = ancestors(model, [layer]);
  return picture.axes.map((axis) => {
    const { field, lost } = new Walk(model, tensors, origins, axis).to(layer, picture.name, wanted);
    const place = placeOf(origins.get(layer), axis);
    if (field && place && spans(place.part)) return { start: (field.low + field.high) / 2, step: field.step };
    throw new UserError(
      "invalid-option",
      `invalid --align receptive-field: no receptive field can be computed for "${layer}"${lost ? `: ${describe(lost)} looks everywhere, or its reach is not known` : ""}; allowed are --align bilinear, or an earlier --layer`,
    );
  });
}

/** Along one axis of the picture, from the picture to a layer. */
class Walk {
  readonly #fields = new Map<string, Field>();

  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
    private readonly origins: Origins,
    private readonly along: number,
  ) {}

  /** What the cells of a layer see, and the last node on the way that is fed what has a place, and gives what has none. */
  to(layer: string, picture: string, wanted: ReadonlySet<string>): { field?: Field; lost?: NodeProto } {
    this.#fields.set(picture, { low: 0, high: 1, step: 1 });
    let lost: NodeProto | undefined;
    for (const node of this.model.graph.node) {
      if (this.#fields.has(layer) || !node.output.some((name) => wanted.has(name))) continue;
      if (!node.input.some((name) => this.#fields.has(name))) continue;
      for (const [index, name] of node.output.entries()) {
        const field = name ? this.#passed(node, index) : undefined;
        if (field) this.#fields.set(name, field);
        else if (wanted.has(name)) lost = node;
      }
    }
    return { field: this.#fields.get(layer), lost };
  }

  #passed(node: NodeProto, index: number): Field | undefined {
    const own = this.#placeOf(node.output[index]);
    const placed = node.input.flatMap((name) => {
      const [field, place] = [this.#fields.get(name), this.#placeOf(name)];
      return field && place ? [{ name, field, place }] : [];
    });
    const [first] = placed;
    if (!own || !first) return undefined;
    const { opType } = node;
    const a = new Attributes(node);
    const rule = windowRules.get(opType);
    if (rule) {
      const { axis, tokens } = first.place;
      const [from = -1, to = -1] = [this.#dims(first.name)[axis], this.#dims(node.output[index])[axis]];
      const values: Along["values"] = (input, name = "") => argumentOf(this.model, this.tensors, node, input, name);
      const window = rule({ node, a, axis, from, to, index, dims: (name) => this.#dims(name), values });
      if (first.name !== node.input[0] || own.axis !== axis || !window) return undefined;
      // Of tokens those in front of the grid may be cut off.
      if (tokens) return window.stride === 1 && window.more === 0 ? first.field : undefined;
      const seen = through(first.field, window);
      return Number.isFinite(seen.low) && seen.step > 0 ? seen : undefined;
    }
    // Two tensors of the picture that are multiplied mix their places: attention.
    const [left = ""] = node.input;
    const mixed = placed.length > 1 || (first.name !== left && this.origins.has(left));
    if (!leaving.has(opType) || (opType.startsWith("MatMul") && mixed)) return undefined;
    // What is picked may be in any order, and of grids side by side each has its own places.
    const given = a.int("axis", opType === "Gather" ? 0 : 1);
    const rank = this.#dims(first.name).length;
    const mixes = opType === "Gather" || (opType === "Concat" && placed.length > 1);
    if (mixes && first.place.axis === (given < 0 ? given + rank : given)) return undefined;
    return placed.map(({ field, place }) => regrouped(field, place.part, own.part)).reduce(joined);
  }

  #placeOf(name = ""): Place | undefined {
    return placeOf(this.origins.get(name), this.along);
  }

  #dims(name = ""): readonly number[] {
    return this.tensors.get(name)?.dims ?? this.model.initializers.get(name)?.dims.map(Number) ?? [];
  }
}

/** The axis that counts the cells of an axis of the picture; what is inside of windows is another one, in smaller steps. */
function placeOf(origins: readonly Origin[] = [], along: number): Place | undefined {
  const places = origins.flatMap(({ parts, before }, axis) => {
    const tokens = before !== 0 || parts.length > 1;
    return parts.flatMap((part) => (part.axis === along ? [{ axis, part, tokens }] : []));
  });
  return places.toSorted((a, b) => b.part.step - a.part.step)[0];
}

const through = ({ low, high, step }: Field, { before, more, stride }: Window): Field => ({
  low: low - before * step,
  high: high + (more - before) * step,
  step: step * stride,
});

/** Cells of other windows: an axis that is split into them is seen by the window, and its cells are back where it is merged. */
function regrouped({ low, high, step }: Field, from: Part, to: Part): Field | undefined {
  if (from.size === to.size) return { low, high, step };
  if (from.of !== to.of) return undefined;
  const other = (step * to.step) / from.step;
  return { low, high: high + other - step, step: other };
}

/** The field of cells that see what both see; none where these run across the picture differently. */
function joined(a: Field | undefined, b: Field | undefined): Field | undefined {
  if (!a || !b || !(Math.abs(a.step - b.step) < 1e-6 * a.step)) return undefined;
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), step: a.step };
}
