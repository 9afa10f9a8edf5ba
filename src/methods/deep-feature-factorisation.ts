/**
 * @file Deep feature factorisation (Collins, Achanta and Süsstrunk 2018, arXiv 1806.10206): the layer as a few concepts, each a mixture of channels
 * and a map of where it is; and which of them the score is made of.
 *
 *   A = W H + rest, all of W [C, k] and H [k, positions] at least 0
 *   c_j = y(A) - y(A without concept j),    A without j = A (1 - W_j H_j / W H)
 *   L = c_j H_j / sum of H_j over the grid,  of the concept j of largest c_j
 *
 * The paper's concepts know no class. The score that is lost without one does, and only what lies behind the layer runs for it.
 * Channels that go below 0 are counted from their minimum.
 */
import type { Dense } from "../array/dense.ts";
import { randomFor } from "../array/random.ts";
import { product, range } from "../onnx/dims.ts";
import type { Method, Question } from "./method.ts";
import { type Factors, factorised, type Matrix } from "./nmf.ts";
import { wholeOption } from "./options.ts";
import { ofAllButWords } from "./tasks.ts";

/** As many as scikit-learn takes. */
const steps = 200;

export const deepFeatureFactorisation: Method<"deep-feature-factorisation"> = {
  name: "deep-feature-factorisation",
  title: "Deep Feature Factorisation",
  summary: "The one of a few concepts of a layer that the score would lose most without.",
  paper: "Collins et al. 2018, https://arxiv.org/abs/1806.10206",
  family: "concepts",
  cost: "1, a factorisation of the layer, and what lies behind the layer for each concept, for all classes together",
  options: [wholeOption("concepts", 5), wholeOption("seed", 0, 0)],
  tasks: ofAllButWords,
  space: "layer",
  nothing: (question) => `no concept of the layer raises the score of "${question}"`,
  explain,
};

async function explain({ image, k, options, activations, respondAtLayer, progress }: Question) {
  const [n = 1] = image.dims;
  const all: Float32Array[] = [];
  let grid: readonly number[] = [];
  for (const index of range(n)) {
    const layer = await activations(index);
    grid = layer.dims.slice(2);
    const factors = conceptsOf(layer, Number(options.concepts), options.seed, (done) =>
      progress((index + done / 2) / n),
    );
    const scores = await respondAtLayer(index, without(factors, layer.dims), (done) =>
      progress((index + (1 + done) / 2) / n),
    );
    progress((index + 1) / n);
    all.push(
      ...scores.map(([whole = 0, ...lost]) =>
        mapOf(
          factors,
          lost.map((score) => whole - score),
        ),
      ),
    );
  }
  const data = new Float32Array(n * k * product(grid));
  for (const [i, map] of all.entries()) data.set(map, i * map.length);
  return { maps: { data, dims: [n * k, ...grid] } };
}

/** A layer [1, C, ...grid] as concepts; no more than it has channels or places. */
export function conceptsOf(layer: Dense, count: number, seed: number, before?: (done: number) => void): Factors {
  const [, rows = 1, ...grid] = layer.dims;
  const columns = product(grid);
  const x: Matrix = { data: Float64Array.from(layer.data), rows, columns };
  for (const c of range(rows)) {
    const row = x.data.subarray(c * columns, (c + 1) * columns);
    const least = row.reduce((a, b) => Math.min(a, b), 0);
    if (least < 0) for (const [p, value] of row.entries()) row[p] = value - least;
  }
  return factorised(x, startOf(x, Math.min(count, rows, columns), seed), steps, before);
}

/** Random factors of the size of the matrix: the first ones of a seed. */
export function startOf({ data, rows, columns }: Matrix, k: number, seed: number): Factors {
  const random = randomFor("deep-feature-factorisation", seed, 0);
  const size = Math.sqrt(data.reduce((a, b) => a + b, 0) / data.length / k);
  const drawn = (count: number) => Float64Array.from(range(count), () => size * Math.abs(random.normal()));
  return {
    h: { data: drawn(k * columns), rows: k, columns },
    w: { data: drawn(rows * k), rows, columns: k },
  };
}

/** Factors of a layer that leave it whole, and then each concept out. */
function without({ w, h }: Factors, [, channels = 1, ...grid]: readonly number[]): Dense {
  const [k, places] = [h.rows, h.columns];
  const data = new Float32Array((k + 1) * channels * places).fill(1);
  const parts = new Float64Array(k);
  for (const c of range(channels))
    for (const p of range(places)) {
      let sum = 0;
      for (const j of range(k)) {
        parts[j] = (w.data[c * k + j] ?? 0) * (h.data[j * places + p] ?? 0);
        sum += parts[j] ?? 0;
      }
      if (sum > 0) for (const j of range(k)) data[((j + 1) * channels + c) * places + p] = 1 - (parts[j] ?? 0) / sum;
    }
  return { data, dims: [k + 1, channels, ...grid] };
}

/** Where the concept is that the score loses most without, adding up to what it loses. */
function mapOf({ h }: Factors, lost: readonly number[]): Float32Array {
  const best = lost.reduce((most, value, j) => (value > (lost[most] ?? 0) ? j : most), 0);
  const places = h.data.subarray(best * h.columns, (best + 1) * h.columns);
  const total = places.reduce((a, b) => a + b, 0);
  return Float32Array.from(places, (value) => ((lost[best] ?? 0) * value) / (total || 1));
}
