/**
 * @file Whether a layer's patch tokens reach the score. Behind the last attention of a network with a class-token head they do not: the
 * head picks the class token, and what comes between treats each token alone, so their gradient is zero whatever the picture.
 *
 * The patches are followed as a range of one axis, taken apart (Slice, Split, Gather), put together (Concat) and moved (Transpose,
 * Reshape), until nothing is left of it or an operator mixes tokens.
 */
import { product } from "../onnx/dims.ts";
import { Attributes, argumentOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { eachAlone, products } from "./families.ts";
import type { Layout } from "./layout.ts";

/** Where the patches, or other tokens, are in a tensor: the places [from, to) of an axis. */
interface Patches {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** Tokens of each image, where the axis counts those of all images. */
  readonly each?: number;
}

/** @param wanted tensors that the score depends on */
export const patchesReach = (
  model: Model,
  tensors: Observed,
  layer: string,
  { grid, prefix = 0 }: Layout,
  wanted: ReadonlySet<string>,
): boolean => tokensReach(model, tensors, layer, [prefix, prefix + product(grid)], wanted);

/**
 * Whether any of the tokens [from, to) of a tensor [n, tokens, channels] reaches the score.
 * @param wanted tensors that the score depends on
 */
export function tokensReach(
  model: Model,
  tensors: Observed,
  layer: string,
  [from, to]: readonly [from: number, to: number],
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
      const left = behind(model, tensors, node, name, at);
      return !left || left.some((range, i) => wanted.has(node.output[i]) && reach(node.output[i], range));
    });
  };
  return reach(layer, { axis: 1, from, to });
}

/**
 * Where the patches are in each output of a node that reads them by this name; undefined where they are mixed with other tokens, or nobody
 * can tell. A size that only the run knows is NaN, and a range with it is never empty.
 */
function behind(
  model: Model,
  tensors: Observed,
  node: NodeProto,
  name: string,
  at: Patches,
): readonly Patches[] | undefined {
  const { input, opType, output } = node;
  const { axis, from, to, each } = at;
  const dimsOf = (tensor: string) => tensors.get(tensor)?.dims ?? [];
  const [dims, made] = [dimsOf(name), dimsOf(output[0])];
  const a = new Attributes(node);
  const values = (operand: number, attribute = "") => argumentOf(model, tensors, node, operand, attribute);
  const positive = (one: number) => (one < 0 ? one + dims.length : one);
  const size = (tensor: string) => {
    const places = dimsOf(tensor)[axis] ?? -1;
    return places < 0 ? Number.NaN : places;
  };
  const sizes = (tensors: readonly string[]) => tensors.reduce((sum, tensor) => sum + size(tensor), 0);
  const within = (start: number, places: number): Patches => ({
    ...{ axis, from: Math.max(from - start, 0) },
    to: Math.min(to - start, places),
  });
  if (eachAlone.includes(opType)) return dims.length === made.length ? [at] : undefined;
  if (products.has(opType) || opType === "Gemm")
    return input[0] === name && model.constants.has(input[1]) ? [at] : undefined;
  if (opType.startsWith("Reduce")) return values(1, "axes")?.every((one) => positive(one) > axis) ? [at] : undefined;
  if (opType === "Reshape" || opType === "Flatten") {
    // The tokens and what is before them stay, or the tokens of all images become one axis, or return from there.
    if (each !== undefined) return made.length === 3 && made[1] === each ? [{ axis: 1, from, to }] : undefined;
    if (dims.every((d, i) => i > axis || d === made[i])) return [at];
    const folded = axis === 1 && dims.length === 3 && made.length === 2 && dims[2] === made[1];
    return folded ? [{ axis: 0, from, to, each: dims[1] }] : undefined;
  }
  if (each !== undefined) return undefined;
  if (opType === "Transpose") return [{ ...at, axis: a.ints("perm")?.indexOf(axis) ?? Number.NaN }];
  if (opType === "Slice") {
    // How many places it takes is read off its output, since its end is often computed.
    const k = values(3, "axes")?.map(positive).indexOf(axis) ?? axis;
    if (k < 0) return [at];
    if ((values(4)?.[k] ?? 1) !== 1) return undefined;
    const start = values(1, "starts")?.[k] ?? Number.NaN;
    return [within(start < 0 ? start + size(name) : start, size(output[0]))];
  }
  if (positive(a.int("axis", 0)) !== axis) return undefined;
  if (opType === "Gather") {
    const places = values(1)?.map((i) => (i < 0 ? i + dims[axis] : i));
    return places?.every((i) => i < from || i >= to) ? [] : undefined;
  }
  if (opType === "Split") return output.map((part, i) => within(sizes(output.slice(0, i)), size(part)));
  if (opType !== "Concat") return undefined;
  const start = sizes(input.slice(0, input.indexOf(name)));
  return [{ ...at, from: from + start, to: to + start }];
}
