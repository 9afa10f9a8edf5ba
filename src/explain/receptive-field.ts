/**
 * @file Where the cells of a layer look: the centres of their receptive fields on the network's input, from strides, pads, kernel sizes
 * and dilations of what lies between (Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
 *
 * Every axis of a tensor that still runs across the picture has the extent of its cells' receptive fields: cell k sees from
 * `low + k * step` to `high + k * step`, in input pixels whose edges are whole numbers, the padding included. Where several paths meet,
 * their fields are joined, so that the centre is that of all that a cell sees. What looks everywhere at once (attention over tokens, gates
 * of squeeze-and-excitation) says nothing of a place: beside a path that does, it is passed over.
 */
import { UserError } from "../errors.ts";
import { Attributes, constantValues, describe, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { type Field, isPlaced, type Known } from "./field.ts";
import { fieldRules } from "./field-rules.ts";

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

/**
 * The centres of the receptive fields of a layer's cells, for each axis of its grid, in pixels of the network's input.
 * @throws UserError `invalid-option` where the layer's cells have no place in the picture, or it cannot be told.
 */
export function receptiveField(model: Model, tensors: Observed, picture: PictureInput, layer: string): CellCentres[] {
  const walk = new Walk(model, tensors, picture);
  const fields = walk.axesOf(layer)?.flat() ?? [];
  const lost = walk.lostAt(layer);
  const centres = picture.axes.flatMap((_, axis) => {
    const [found, ...others] = fields.filter(({ of }) => of === axis);
    return found && !others.length ? [{ start: (found.low + found.high) / 2, step: found.step }] : [];
  });
  if (centres.length === picture.axes.length) return centres;
  throw new UserError(
    "invalid-option",
    `invalid --align receptive-field: no receptive field can be computed for "${layer}"${lost ? `: ${describe(lost)} looks everywhere, or its reach is not known` : ""}; allowed are --align bilinear, or an earlier --layer`,
  );
}

class Walk {
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
    { name, axes }: PictureInput,
  ) {
    const rank = this.dims(name).length;
    const field = (of: number): Field => ({ of, low: 0, high: 1, step: 1 });
    const own = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? [field(axes.indexOf(axis))] : []));
    this.#known.set(name, own);
  }

  /** The nearest node on the way to a tensor that is fed what has a place, and gives what has none. */
  lostAt(name: string): NodeProto | undefined {
    const waiting = [name];
    const seen = new Set(waiting);
    for (const at of waiting) {
      const node = isPlaced(this.#known.get(at)) ? undefined : this.model.producer.get(at);
      if (node?.input.some((input) => isPlaced(this.#known.get(input)))) return node;
      for (const input of node?.input ?? [])
        if (!seen.has(input)) {
          seen.add(input);
          waiting.push(input);
        }
    }
    return undefined;
  }

  dims = (name = ""): readonly number[] =>
    this.tensors.get(name)?.dims ?? this.model.initializers.get(name)?.dims.map(Number) ?? [];
  values = (name: string | undefined): number[] | undefined => {
    if (!name) return undefined;
    return constantValues(this.model, name) ?? this.tensors.get(name)?.values?.slice();
  };

  /** Without recursion, for networks are deep. */
  axesOf(wanted: string): Known {
    const waiting = [wanted];
    for (let name = waiting.at(-1); name !== undefined; name = waiting.at(-1)) {
      const node = this.#known.has(name) ? undefined : this.model.producer.get(name);
      const missing = node?.input.filter((input) => input && this.model.producer.has(input) && !this.#known.has(input));
      if (missing?.length) {
        waiting.push(...missing);
        continue;
      }
      waiting.pop();
      if (node) this.#pass(node);
    }
    return this.#known.get(wanted);
  }

  #pass(node: NodeProto): void {
    const inputs = node.input.map((name) => (name ? this.#known.get(name) : undefined));
    const placed = inputs.some(isPlaced);
    const rule = fieldRules.get(node.opType);
    for (const [index, output] of node.output.entries()) {
      if (!output) continue;
      const call = { node, a: new Attributes(node), inputs, output, index, dims: this.dims, values: this.values };
      const found = placed ? rule?.(call) : undefined;
      this.#known.set(output, found);
    }
  }
}
