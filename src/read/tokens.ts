/**
 * @file Whether a layer's patch tokens reach the score. Behind the last attention of a network with a class-token head they do not: the
 * head picks the class token, and what comes between treats each token alone, so their gradient is zero whatever the picture.
 *
 * The patches are followed as a range of one axis, taken apart (Slice, Split, Gather), put together (Concat) and moved (Transpose,
 * Reshape), until nothing is left of it or an operator mixes tokens.
 */
import { Attributes, constantValues, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";

/** Where the patches are in a tensor: the places [from, to) of an axis. */
export interface Patches {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** Tokens of each image, where the axis counts those of all images. */
  readonly each?: number;
}

/** Operators that treat tokens one by one, where the other operand is a constant or tokens too. */
const eachAlone = new Set(
  "Add Sub Mul Div Pow Sqrt Neg Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish Swish Erf Identity Dropout Cast LayerNormalization RMSNormalization BiasGelu FastGelu QuickGelu SimplifiedLayerNormalization SkipLayerNormalization QuantizeLinear DequantizeLinear DynamicQuantizeLinear".split(
    " ",
  ),
);

/** Products with a weight, which a quantised model has under other names. */
const products = new Set("MatMul Gemm MatMulInteger MatMulIntegerToFloat DynamicQuantizeMatMul MatMulNBits".split(" "));

/** @param wanted tensors that the score depends on */
export function patchesReach(
  model: Model,
  tensors: Observed,
  layer: string,
  patches: Patches,
  wanted: ReadonlySet<string>,
): boolean {
  const seen = new Set<string>();
  const reach = (name: string, at: Patches): boolean => {
    const key = `${name} ${Object.values(at)}`;
    if (at.from >= at.to || seen.has(key)) return false;
    seen.add(key);
    const readers = model.consumers.get(name)?.filter(({ output }) => output.some((o) => wanted.has(o))) ?? [];
    if (readers.length === 0) return true; // the score itself
    return readers.some((node) => {
      const left = new Step(model, tensors, node, name, at).left();
      return !left || left.some((range, i) => wanted.has(node.output[i]) && reach(node.output[i], range));
    });
  };
  return reach(layer, patches);
}

/** A node that reads patches. A size that only the run knows is NaN, and a range with it is never empty. */
class Step {
  readonly #attributes: Attributes;

  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
    private readonly node: NodeProto,
    private readonly name: string,
    private readonly at: Patches,
  ) {
    this.#attributes = new Attributes(node);
  }

  /** Where the patches are in each output; undefined where they are mixed with other tokens, or nobody can tell. */
  left(): readonly Patches[] | undefined {
    const { at, model, name, node } = this;
    const { input, opType, output } = node;
    const [dims, made] = [this.#dims(name), this.#dims(output[0])];
    if (eachAlone.has(opType)) return dims.length === made.length ? [at] : undefined;
    if (products.has(opType)) return input[0] === name && model.constants.has(input[1]) ? [at] : undefined;
    if (opType.startsWith("Reduce")) return this.#axes(1)?.every((a) => a > at.axis) ? [at] : undefined;
    if (opType === "Reshape" || opType === "Flatten") return this.#reshaped(dims, made);
    if (at.each !== undefined) return undefined;
    if (opType === "Transpose") return [{ ...at, axis: this.#attributes.ints("perm")?.indexOf(at.axis) ?? Number.NaN }];
    if (opType === "Slice") return this.#sliced();
    if (this.#positive(this.#attributes.int("axis", 0)) !== at.axis) return undefined;
    if (opType === "Gather") {
      const places = this.#values(1, "")?.map((i) => (i < 0 ? i + dims[at.axis] : i));
      return places?.every((i) => i < at.from || i >= at.to) ? [] : undefined;
    }
    if (opType === "Split") return output.map((part, i) => this.#within(this.#before(output, i), this.#size(part)));
    if (opType !== "Concat") return undefined;
    const start = this.#before(input, input.indexOf(name));
    return [{ ...at, from: at.from + start, to: at.to + start }];
  }

  /** The tokens and what is before them stay, or the tokens of all images become one axis, or return from there. */
  #reshaped(dims: readonly number[], made: readonly number[]): readonly Patches[] | undefined {
    const { axis, from, to, each } = this.at;
    if (each !== undefined) return made.length === 3 && made[1] === each ? [{ axis: 1, from, to }] : undefined;
    if (dims.every((d, i) => i > axis || d === made[i])) return [this.at];
    const folded = axis === 1 && dims.length === 3 && made.length === 2 && dims[2] === made[1];
    return folded ? [{ axis: 0, from, to, each: dims[1] }] : undefined;
  }

  /** How many places a Slice takes is read off its output, since its end is often computed. */
  #sliced(): readonly Patches[] | undefined {
    const { at, name, node } = this;
    const k = this.#axes(3)?.indexOf(at.axis) ?? at.axis;
    if (k < 0) return [at];
    if ((this.#values(4, "")?.[k] ?? 1) !== 1) return undefined;
    const start = this.#values(1, "starts")?.[k] ?? Number.NaN;
    return [this.#within(start < 0 ? start + this.#size(name) : start, this.#size(node.output[0]))];
  }

  #within(start: number, size: number): Patches {
    const { axis, from, to } = this.at;
    return { axis, from: Math.max(from - start, 0), to: Math.min(to - start, size) };
  }

  /** Places in the parts before one. */
  #before(parts: readonly string[], part: number): number {
    return parts.slice(0, part).reduce((sum, name) => sum + this.#size(name), 0);
  }

  #size(name: string): number {
    const size = this.#dims(name)[this.at.axis] ?? -1;
    return size < 0 ? Number.NaN : size;
  }

  #dims(name: string): readonly number[] {
    return this.tensors.get(name)?.dims ?? [];
  }

  #positive(axis: number): number {
    return axis < 0 ? axis + this.#dims(this.name).length : axis;
  }

  #axes(input: number): number[] | undefined {
    return this.#values(input, "axes")?.map((a) => this.#positive(a));
  }

  /** The numbers of an attribute, or of the constant input that later operator sets have in its place. */
  #values(input: number, attribute: string): readonly number[] | undefined {
    const name = this.node.input[input];
    return this.#attributes.ints(attribute) ?? (name ? constantValues(this.model, name) : undefined);
  }
}
