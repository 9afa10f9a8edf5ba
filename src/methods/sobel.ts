/** @file The Sobel operator, along any axis of images, signals and volumes. */
import { product, range } from "../onnx/dims.ts";
import type { Explanation, Question } from "./method.ts";

/** Three weights along an axis of a grid, whose border goes on. */
function along(
  values: Float64Array,
  grid: readonly number[],
  axis: number,
  [left, middle, right]: readonly [number, number, number],
): Float64Array {
  const [length, step] = [grid[axis] ?? 1, product(grid.slice(axis + 1))];
  return values.map((value, p) => {
    const place = Math.floor(p / step) % length;
    const [before, after] = [place === 0 ? p : p - step, place === length - 1 ? p : p + step];
    return left * values[before] + middle * value + right * values[after];
  });
}

/** How steep the mean of the channels is, the same for every target. */
export function edgesOf({ image, k }: Pick<Question, "image" | "k">): Explanation {
  const [n = 0, channels = 1, ...grid] = image.dims;
  const places = product(grid);
  const maps = new Float32Array(n * k * places);
  for (const i of range(n)) {
    const from = i * channels * places;
    const mean = new Float64Array(places);
    for (let v = 0; v < channels * places; v++) mean[v % places] += image.data[from + v] / channels;
    const squares = new Float64Array(places);
    for (const axis of grid.keys()) {
      let steep = along(mean, grid, axis, [-1, 0, 1]);
      for (const other of grid.keys()) if (other !== axis) steep = along(steep, grid, other, [1, 2, 1]);
      for (let p = 0; p < places; p++) squares[p] += steep[p] ** 2;
    }
    for (const j of range(k)) maps.set(squares.map(Math.sqrt), (i * k + j) * places);
  }
  return { maps: { data: maps, dims: [n * k, ...grid] } };
}
