/** @file What maps of attentions share: heads made one, rows of shares that go back from block to block, options, and the method that is such a map. */
import type { Builder, Value } from "../../onnx/build.ts";
import type { AttentionMap, AttentionParts, Method, MethodOption, MethodOptions } from "../method.ts";
import { choiceOption } from "../options.ts";
import { ofWholePictures } from "../tasks.ts";

/** How the heads of a block are made one. */
const fusions = ["mean", "max", "min"] as const;
export type Fusion = (typeof fusions)[number];

export const headsOption: MethodOption = { ...choiceOption("heads", fusions), compiles: true };

/** How many blocks are looked at, from the last. */
export const blocksOption = (usual: number | "all"): MethodOption => ({
  ...{ name: "blocks", default: usual, compiles: true },
  range: "an integer of at least 1, counted from the last block, or all",
  fits: (value) => value === "all" || (Number.isSafeInteger(value) && Number(value) >= 1),
});

/** As a number that no network has as many blocks as. */
export const lastOf = ({ blocks }: MethodOptions): number =>
  blocks === "all" ? Number.MAX_SAFE_INTEGER : Number(blocks);

/** [n, heads, queries, keys] as [n, queries, keys]. */
export const fused = (build: Builder, weights: Value, how: Fusion): Value =>
  ({
    mean: () => build.reduceMean(weights, [1], false),
    max: () => build.reduceMax(weights, [1], false),
    min: () => build.reduceMin(weights, [1], false),
  })[how]();

/** Shares [m, 1, queries] through what each query has of each key, [m, queries, keys]: [m, 1, keys]. */
export const through = (build: Builder, shares: Value, matrix: Value): Value => build.matMul(shares, matrix);

/** [m, 1, tokens] as [m, tokens]. */
export const flat = (build: Builder, shares: Value): Value => build.squeeze(shares, [1]);

/**
 * From the tokens that the score is read off back to those of the picture, block by block.
 * @param step shares of the tokens behind a block as shares of those before it; `skips`: whether they are also handed on past it
 */
export function backwards(
  { build, pools, read }: AttentionParts,
  blocks: readonly Value[],
  step: (shares: Value, block: Value, skips: boolean) => Value,
): Value {
  const shares = blocks.reduceRight(
    (behind, block, i) => step(behind, block, !(pools && i === blocks.length - 1)),
    read,
  );
  return flat(build, shares);
}

/** A method that is a map of attentions. Graphs are kept by their maps, so each is made once for what it is told. */
export function attentionMethod<Name extends string>(
  mapOf: (options: MethodOptions) => AttentionMap,
  about: Omit<Method<Name>, "space" | "family" | "tasks" | "explain" | "graph" | "readsAttentions">,
): Method<Name> {
  const made = new Map<string, AttentionMap>();
  const map = (options: MethodOptions): AttentionMap => {
    const key = JSON.stringify(options);
    const known = made.get(key) ?? mapOf(options);
    made.set(key, known);
    return known;
  };
  return {
    ...about,
    ...{ space: "layer", family: "attention", tasks: ofWholePictures, readsAttentions: true },
    explain: async ({ options, atAttentions }) => ({ maps: await atAttentions(map(options)) }),
    graph: ({ options, atAttentions }) => ({ map: atAttentions(map(options)) }),
  };
}

/** A map that reads no gradient. */
export const ofAttentionsAlone = (map: (parts: AttentionParts) => Value): AttentionMap =>
  Object.assign((parts: AttentionParts) => map(parts), { classBlind: true as const });
