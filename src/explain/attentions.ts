/** @file Maps of a network's attentions: their parts as tensors of the graph, and the map on the grid of the patches. */
import type { End, Written } from "../autodiff/adjoint.ts";
import { pullback } from "../autodiff/adjoint.ts";
import { attended } from "../autodiff/attended.ts";
import type { Overrides } from "../autodiff/differentiate.ts";
import { present } from "../errors.ts";
import type { AttentionMap, AttentionParts } from "../methods/method.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";
import { type Attentions, type Reading, readAttentions } from "../read/attentions.ts";
import { noImage } from "../read/inputs.ts";
import type { Layout } from "../read/layout.ts";
import type { Score } from "../read/score.ts";
import { ownGradients } from "./block-heads.ts";

/** A model that can be asked for its attentions. */
export interface Attentive extends Pick<Reading, "model" | "tensors"> {
  readonly reading: { readonly explained: Reading["explained"] | undefined };
  readonly score: Score;
  gridLayoutOf(name: string): Layout | undefined;
}

const readingOf = (asked: Attentive): Reading => {
  const { model, tensors, score } = asked;
  const { explained } = asked.reading;
  if (!explained) throw noImage();
  return { model, tensors, explained, scores: [score.name], layoutAt: (name) => asked.gridLayoutOf(name) };
};

/** @throws UserError `invalid-option` for a model whose attentions are no row over the picture's tokens. */
export const attentionsOf = (asked: Attentive): Attentions => readAttentions(readingOf(asked));

/** Writes a map of attentions, [m, ...grid]. */
export function attentionMap(asked: Attentive, map: AttentionMap, overrides: Overrides): Written {
  const reading = readingOf(asked);
  const attentions = readAttentions(reading);
  const { prefix, grid, count } = attentions;
  return (build, seeds) => {
    const tokens = map(partsOf(build, reading, attentions, seeds, overrides));
    const patches = build.slice({ ...tokens, dims: [-1, count] }, 1, prefix, prefix + product(grid));
    return [{ ...build.reshape(patches, [-1, ...grid]), dims: [-1, ...grid] }];
  };
}

function partsOf(
  build: Builder,
  reading: Reading,
  attentions: Attentions,
  seeds: ReadonlyMap<string, Value>,
  overrides: Overrides,
): AttentionParts {
  const { model, tensors, explained } = reading;
  const { blocks, pool, count } = attentions;
  const { name, axes } = explained;
  const picture = { name, ...present(tensors.get(name), "the picture") };
  const images = axes.batch === undefined ? build.ints([1]) : build.dimOf(picture, axes.batch);
  const all = [...blocks, ...(pool ? [pool] : [])];
  const found = all.map(({ node, weights }) => attended(build, reading, node, weights, images));
  const ends = found.map(({ end }): End => end);
  const last = present(found.at(-1), "an attention").weights;
  const queries = last.dims?.[2] ?? count;
  const read = pool ? range(queries) : attentions.read;
  const shares = range(queries).map((i) => (read.includes(i) ? 1 / read.length : 0));
  return {
    build,
    tokens: count,
    weights: found.map(({ weights }) => weights),
    pools: pool !== undefined,
    read: build.floats(shares, [1, 1, queries], last.type),
    gradients: (most = all.length) => pullback(build, { model, tensors }, seeds, ends.slice(-most), overrides),
    ownGradients: (mean, most = blocks.length) =>
      ownGradients(build, reading, attentions, { seeds, overrides, ends, images, mean, most }),
  };
}
