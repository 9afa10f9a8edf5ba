/** @file What maps at a layer share: the arrangement of their parts, the check of their shape, and the method that is such a map. */

import { UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import type { LayerMap, LayerParts, Method } from "./method.ts";

/** A method that is a map at a layer, for pictures that are asked about and for models that explain themselves. */
export function layerMethod<Name extends string>(
  map: LayerMap,
  about: Omit<Method<Name>, "space" | "explain" | "graph">,
): Method<Name> {
  return {
    ...about,
    space: "layer",
    explain: async (question) => ({ maps: await question.atLayer(map) }),
    graph: (question) => ({ map: question.atLayer(map) }),
  };
}

/** Activations [n, C, ...grid] as [n, C, positions]. */
export function flatGrid({ build, a, grid }: LayerParts): Value {
  const positions = positionsOf(a, grid);
  return { ...build.reshape(a, [0, 0, positions]), dims: [a.dims?.[0] ?? -1, a.dims?.[1] ?? -1, positions] };
}

/**
 * Rows for every target, [m, C, ...], as [n, k, C, ...positions]: apart by image, so that they are multiplied with its activations.
 * @param positions what stands in place of the grid: nothing where it was summed up, `[build.dimOf(flatGrid(parts), 2)]` where it was not
 */
export function byImage({ build, a }: LayerParts, rows: Value, positions: readonly Value[] = []): Value {
  const [n = -1, channels = -1] = a.dims ?? [];
  const shape = build.concat([build.dimOf(a, 0), build.ints([-1]), build.dimOf(a, 1), ...positions], 0);
  return { ...build.reshape(rows, shape), dims: [n, -1, channels, ...positions.map(() => -1)] };
}

/** The gradient at each position, [n, k, C, positions]. */
export function gradientsByImage(parts: LayerParts): Value {
  const [n = -1, channels = -1, positions = -1] = flatGrid(parts).dims ?? [];
  const gradients = byImage(parts, parts.da, [parts.build.dimOf(flatGrid(parts), 2)]);
  return { ...gradients, dims: [n, -1, channels, positions] };
}

/** The sum of each channel over the grid, [n, 1, C, 1]. */
export const channelSums = (parts: LayerParts): Value =>
  parts.build.unsqueeze(parts.build.reduceSum(flatGrid(parts), [2]), [1]);

/** A divisor, with 1 in place of 0. */
export const oneWhereZero = (build: Builder, x: Value): Value => build.where(build.equal(x, 0), 1, x);

/** sum_k w_k A_k with weights [n, k, C]. */
export const sumOverChannels = (parts: LayerParts, weights: Value): Value => {
  const { build, gather } = parts;
  const flat = flatGrid(parts);
  if (!gather) return build.matMul(weights, flat);
  const [n = -1, channels = -1, positions = -1] = flat.dims ?? [];
  const weighted = build.mul(build.unsqueeze(weights, [3]), build.unsqueeze(flat, [1]));
  return gather({ ...weighted, dims: [n, -1, channels, positions] });
};

/**
 * sum_k w_k A_k with a weight for each channel, rows [m, C, 1, ...]: a matrix product of [n, k, C] weights with [n, C, positions]
 * activations, so that no [m, C, ...grid] is made.
 */
export const weightedSum = (parts: LayerParts, weights: Value): Value =>
  sumOverChannels(parts, byImage(parts, weights));

/** sum_k w_k A_k with weights of each place's own, which are made of its gradients, [n, k, C, positions]; the gradients themselves by default. */
export function placeByPlace(parts: LayerParts, weigh = (gradients: Value): Value => gradients): Value {
  const { build } = parts;
  const activations = flatGrid(parts);
  const weights = weigh(gradientsByImage(parts));
  const weighted = build.mul(weights, build.unsqueeze(activations, [1]));
  const [n = -1, channels = -1, positions = -1] = activations.dims ?? [];
  return parts.gather
    ? parts.gather({ ...weighted, dims: [n, -1, channels, positions] })
    : build.reduceSum(weighted, [2], false);
}

/** Maps that read no gradient, and so are the same for every target: [n, 1, positions]. */
export const classBlind = <T extends object>(maps: T): T => {
  for (const map of Object.values(maps)) Object.assign(map, { classBlind: true });
  return maps;
};

/** A map that is made place by place. */
export const placewise = (map: (parts: LayerParts) => Value): LayerMap =>
  Object.assign((parts: LayerParts) => map(parts), { placewise: true as const });

/**
 * Builds a map; @throws UserError `invalid-option` where the graph knows already that its shape is not [n, k, positions].
 * @param k targets of each image, where they are known
 */
export function builtMap(map: LayerMap, parts: LayerParts, k = -1): Value {
  const value = map(parts);
  const positions = positionsOf(parts.a, parts.grid);
  const expected = ["n", k < 0 ? "k" : k, positions < 0 ? "positions" : positions].join(", ");
  if (typeof value?.name !== "string") throw wrongMap(expected, "no tensor");
  const { dims } = value;
  const fits = (seen: number, size: number) => seen < 0 || size < 0 || seen === size;
  if (dims && !(dims.length === 3 && fits(dims[1], k) && fits(dims[2], positions)))
    throw wrongMap(expected, `[${dims.map((d, i) => (d < 0 ? (["n", "k"][i] ?? "?") : d)).join(", ")}]`);
  return value;
}

function positionsOf(a: Value, grid: readonly number[]): number {
  const sizes = grid.map((axis) => a.dims?.[axis] ?? -1);
  return isStatic(sizes) ? product(sizes) : -1;
}

const wrongMap = (expected: string, seen: string): UserError =>
  new UserError("invalid-option", `invalid map at a layer: expected [${expected}], seen ${seen}`);
