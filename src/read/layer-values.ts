/** @file A layer's numbers in the order that everything is written for, and factors for them in the order of the layer. */
import type { Dense } from "../array/dense.ts";
import { product, range } from "../onnx/dims.ts";
import { type Axes, fromPlain, toPlain } from "./axes.ts";
import type { Layout } from "./layout.ts";

const axesOf = ({ channels, grid, turned, prefix }: Layout): Axes => {
  if (prefix !== undefined) return { batch: 0, channels: 2, grid: [1] };
  const rank = grid.length + 2;
  return { batch: 0, channels, grid: turned ?? range(rank).filter((axis) => axis > 0 && axis !== channels) };
};

/** Activations as [n, C, ...grid]; of tokens, those of the grid. */
export function plainLayer(values: Dense, layout: Layout): Dense {
  const { data, dims } = toPlain(values, axesOf(layout));
  const { prefix, grid } = layout;
  if (prefix === undefined) return { data, dims };
  const [n, channels, tokens] = dims;
  const places = product(grid);
  const cut = new Float32Array(n * channels * places);
  for (const row of range(n * channels))
    cut.set(data.subarray(row * tokens + prefix, row * tokens + prefix + places), row * places);
  return { data: cut, dims: [n, channels, ...grid] };
}

/**
 * Factors [any, C or 1, ...grid or ones] as the layer has its axes. Of tokens, those beside the grid have the factor 1 where places differ, and
 * that of their channel where channels do.
 * @param dims of the layer
 */
export function layerFactors(factors: Dense, layout: Layout, dims: readonly number[]): Dense {
  const { prefix } = layout;
  if (prefix === undefined) return fromPlain(factors, axesOf(layout));
  const [count, channels, ...grid] = factors.dims;
  const places = product(grid);
  if (places === 1) return { data: factors.data, dims: [count, 1, channels] };
  const tokens = dims[1];
  const data = new Float32Array(count * tokens * channels).fill(1);
  const perToken = fromPlain({ data: factors.data, dims: [count, channels, places] }, axesOf(layout)).data;
  const size = places * channels;
  for (const row of range(count))
    data.set(perToken.subarray(row * size, (row + 1) * size), (row * tokens + prefix) * channels);
  return { data, dims: [count, tokens, channels] };
}
