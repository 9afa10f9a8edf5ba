/**
 * @file The attentions between a picture and its scores, read as one row of blocks over the same tokens: where the picture's patches are
 * among those, and which tokens the score is read off.
 */
import { present, UserError } from "../errors.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { inputsOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { DataType } from "../onnx/proto.ts";
import { attentionsIn, type FoundAttention } from "./attention-pattern.ts";
import type { ExplainedInput } from "./inputs.ts";
import type { Layout } from "./layout.ts";
import { ancestors, descendants } from "./score.ts";
import { tokensReach } from "./tokens.ts";

export interface Attentions {
  /** Those of tokens to the same tokens, from the picture to the score. */
  readonly blocks: readonly FoundAttention[];
  /** The attention behind them that pools the tokens: its queries are others. */
  readonly pool?: FoundAttention;
  /** Tokens. */
  readonly count: number;
  /** Tokens in front of the patches, and the grid of those. */
  readonly prefix: number;
  readonly grid: readonly number[];
  /** The tokens that the score is read off behind the last block: class tokens, or all patches. Nothing where they are pooled. */
  readonly read: readonly number[];
}

/** How a graph is read. */
export interface Reading {
  readonly model: Model;
  readonly tensors: Observed;
  readonly explained: ExplainedInput;
  /** What is explained. */
  readonly scores: readonly string[];
  /** The layout of a tensor that has a grid of the picture. */
  readonly layoutAt: (name: string) => Layout | undefined;
}

/** @throws UserError `invalid-option` where there is none, or where they are not of one row of tokens. */
export function readAttentions(reading: Reading): Attentions {
  const { model, tensors, explained, scores } = reading;
  const active = descendants(model, tensors, explained.name);
  const wanted = ancestors(model, scores, (name) => isPlace(tensors, name));
  const isBetween = (name: string) => active.has(name) && wanted.has(name);
  const all = attentionsIn(model, tensors).filter((one) => isBetween("softmax" in one ? one.softmax : outputOf(one)));
  if (all.length === 0) throw refused("and the model has none between the picture and its scores");
  const placed = all.map((one) => {
    if ("softmax" in one) throw refused(`and what "${one.softmax}" weighs cannot be told`);
    const found = placeOf(reading, one);
    if (!found) throw refused(`and "${nameOf(one)}" attends within windows, or to other tokens than the picture's`);
    if (found === "unknown")
      throw refused(
        `and the sizes of "${nameOf(one)}" are not known; give the input's sizes (--input-shape, inputShapes)`,
      );
    return { one, ...found };
  });
  const place = present(placed[0], "an attention").place;
  const odd = placed.find((other) => JSON.stringify(other.place) !== JSON.stringify(place));
  if (odd)
    throw refused(`and "${nameOf(odd.one)}" has ${odd.place.count} tokens where those before it have ${place.count}`);
  const pooling = placed.findIndex(({ queries }) => queries !== place.count);
  if (pooling >= 0 && pooling < placed.length - 1)
    throw refused(`and "${nameOf(present(placed[pooling], "an attention").one)}" has other queries than tokens`);
  const blocks = placed.filter(({ queries }) => queries === place.count).map(({ one }) => one);
  if (pooling >= 0) return { blocks, pool: placed[pooling]?.one, ...place, read: [] };
  return { blocks, ...place, read: tokensRead(reading, place, present(blocks.at(-1), "a block"), wanted) };
}

interface Place {
  readonly count: number;
  readonly prefix: number;
  readonly grid: readonly number[];
}

/** How many queries an attention has, and which tokens are its keys; undefined where those are no row of the picture's, "unknown" where sizes are. */
function placeOf(
  reading: Reading,
  { node, weights, values }: FoundAttention,
): { readonly place: Place; readonly queries: number } | "unknown" | undefined {
  const { tensors } = reading;
  const source = laidOut(reading, values);
  if (!source) return undefined;
  const { grid, prefix } = source.layout;
  const [, tokens = -1] = tensors.get(source.name)?.dims ?? [];
  const count = prefix === undefined ? product(grid) : tokens;
  const dims = tensors.get(weights ?? node.output[0] ?? "")?.dims ?? [];
  const [queries = -1, keys = -1] = weights ? dims.slice(-2) : [dims.length === 4 ? dims[2] : dims[1], count];
  if (!isStatic([count, queries, keys]) || !isStatic(grid)) return "unknown";
  return keys === count ? { place: { count, prefix: prefix ?? 0, grid }, queries } : undefined;
}

/** The nearest tensor that a tensor is made of and that has the picture's grid, as a map or as tokens. */
function laidOut({ model, layoutAt }: Reading, name: string): { name: string; layout: Layout } | undefined {
  const waiting = [name];
  const seen = new Set(waiting);
  for (const at of waiting) {
    const layout = layoutAt(at);
    if (layout) return { name: at, layout };
    const node = model.producer.get(at);
    for (const input of node ? inputsOf(node) : [])
      if (input && !seen.has(input) && !model.constants.has(input)) {
        seen.add(input);
        waiting.push(input);
      }
  }
  return undefined;
}

/** The tokens behind the last block that reach the scores: those beside the patches, where any does, else all patches. */
function tokensRead(
  { model, tensors, layoutAt }: Reading,
  { count, prefix, grid }: Place,
  last: FoundAttention,
  wanted: ReadonlySet<string>,
): readonly number[] {
  const patches = range(product(grid)).map((i) => prefix + i);
  const behind = descendants(model, tensors, last.node.output[0] ?? "");
  const tokens = model.graph.node
    .flatMap(({ output }) => output)
    .find((name) => {
      const isTokens = behind.has(name) && wanted.has(name) && layoutAt(name)?.prefix === prefix;
      return isTokens && tensors.get(name)?.dims[1] === count;
    });
  if (tokens === undefined) return patches;
  const beside = range(count).filter((i) => i < prefix || i >= prefix + patches.length);
  const read = beside.filter((i) => tokensReach(model, tensors, tokens, [i, i + 1], wanted));
  return read.length ? read : patches;
}

/** Whether a tensor holds places or conditions, which decide nothing by degrees. */
export const isPlace = (tensors: Observed, name: string): boolean =>
  [DataType.INT64, DataType.BOOL].includes(tensors.get(name)?.type ?? DataType.FLOAT);

const outputOf = ({ node }: FoundAttention): string => node.output[0] ?? "";
const nameOf = ({ node, weights }: FoundAttention): string => weights ?? outputOf({ node, values: "" });

const refused = (why: string): UserError =>
  new UserError(
    "invalid-option",
    `invalid method: methods such as chefer and legrad follow attention from token to token, ${why}; take grad-cam or hires-cam`,
  );
