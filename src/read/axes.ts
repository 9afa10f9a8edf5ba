/**
 * @file What the axes of an input and of scores mean, and how an array is brought into the order that everything else is written for:
 * [n, channels, ...grid] for what is explained, [n, classes, ...grid] for scores.
 */
import type { Dense } from "../array/dense.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { product, range } from "../onnx/dims.ts";

/** Which axis is which; one that is absent counts as an axis of one place. */
export interface Axes {
  /** Of the images. */
  readonly batch?: number;
  /** Of the channels of an input, of the classes of scores. */
  readonly channels?: number;
  /** Of the grid, in order: frames or depth, height, width. */
  readonly grid: readonly number[];
}

/** Dimensions in the order that everything is written for. */
export type PlainDims = readonly [n: number, channels: number, ...grid: number[]];

/** An array in that order. */
export interface Plain extends Dense {
  readonly dims: PlainDims;
}

/** Axes of which those of the images and the channels may be absent. */
export const someAxes = (batch: number | undefined, channels: number | undefined, grid: readonly number[]): Axes => ({
  ...(batch !== undefined && { batch }),
  ...(channels !== undefined && { channels }),
  grid,
});

/** [n, channels, ...grid]. */
export const plainAxes = (rank: number): Axes =>
  someAxes(rank > 0 ? 0 : undefined, rank > 1 ? 1 : undefined, range(rank).slice(2));

/** The axes in the order in which they are wanted. */
const order = ({ batch, channels, grid }: Axes): number[] => [batch, channels, ...grid].filter((a) => a !== undefined);

/** Where each of an array's own axes is in that order. */
const back = (axes: Axes): number[] => order(axes).map((_, axis) => order(axes).indexOf(axis));

/** Which of [n, channels] an array does not have. */
const absent = ({ batch, channels }: Axes): number[] =>
  [batch, channels].flatMap((axis, i) => (axis === undefined ? [i] : []));

const isPlain = (axes: Axes): boolean =>
  axes.batch !== undefined && axes.channels !== undefined && order(axes).every((axis, i) => axis === i);

/** Dimensions as [n, channels, ...grid]. */
export const plainDims = (dims: readonly number[], { batch, channels, grid }: Axes): PlainDims => [
  batch === undefined ? 1 : dims[batch],
  channels === undefined ? 1 : dims[channels],
  ...grid.map((axis) => dims[axis]),
];

/** An array as [n, channels, ...grid]. */
export const toPlain = (array: Dense, axes: Axes): Plain => ({
  data: permuted(array, order(axes)),
  dims: plainDims(array.dims, axes),
});

/** An array [n, channels, ...grid] as the axes have it. */
export function fromPlain(array: Dense, axes: Axes): Dense {
  if (isPlain(axes)) return array;
  const dims = array.dims.filter((_, i) => !absent(axes).includes(i));
  return { data: permuted({ data: array.data, dims }, back(axes)), dims: back(axes).map((i) => dims[i]) };
}

function permuted({ data, dims }: Dense, axes: readonly number[]): Float32Array {
  if (axes.every((axis, i) => axis === i)) return data;
  const steps = dims.map((_, axis) => product(dims.slice(axis + 1)));
  const sizes = axes.map((axis) => dims[axis]);
  const out = new Float32Array(data.length);
  let to = 0;
  const walk = (depth: number, from: number): void => {
    const step = steps[axes[depth]];
    if (depth === axes.length - 1) for (let i = 0, at = from; i < sizes[depth]; i++, at += step) out[to++] = data[at];
    else for (let i = 0; i < sizes[depth]; i++) walk(depth + 1, from + i * step);
  };
  if (data.length) walk(0, 0);
  return out;
}

/** In a graph: a tensor as [n, channels, ...grid]. */
export function plainIn(build: Builder, value: Value, axes: Axes): Value {
  if (isPlain(axes)) return value;
  const wanted = order(axes);
  const moved = wanted.every((axis, i) => axis === i) ? value : build.transpose(value, wanted);
  return absent(axes).length ? build.unsqueeze(moved, absent(axes)) : moved;
}

/** In a graph: a tensor [n, channels, ...grid] as the axes have it. */
export function inAxes(build: Builder, value: Value, axes: Axes): Value {
  if (isPlain(axes)) return value;
  const present = absent(axes).length ? build.squeeze(value, absent(axes)) : value;
  return back(axes).every((axis, i) => axis === i) ? present : build.transpose(present, back(axes));
}

/** Whether an input holds frames: pictures one behind the other, each with its own channels, [n, frames, C, h, w]. */
export const holdsFrames = ({ channels, grid }: Axes): boolean =>
  channels !== undefined && grid.length === 3 && grid[0] < channels && channels < grid[1];

/** Letters for axes, as "NCHW"; depth is D, frames in front of their channels are T, a signal's length is L. */
export function axesText({ batch, channels, grid }: Axes): string {
  const letters: string[] = [];
  if (batch !== undefined) letters[batch] = "N";
  if (channels !== undefined) letters[channels] = "C";
  const names = ["L", "HW", holdsFrames({ channels, grid }) ? "THW" : "DHW"][grid.length - 1];
  grid.forEach((axis, i) => {
    letters[axis] = names[i];
  });
  return letters.join("");
}

/** The axes that letters say; undefined for letters that are no layout of so many axes. */
export function axesFromText(text: string, rank: number): Axes | undefined {
  const letters = [...text.toUpperCase()];
  const grid = letters.flatMap((letter, axis) => ("DTHWL".includes(letter) ? [axis] : []));
  const [batch, channels] = [letters.indexOf("N"), letters.indexOf("C")];
  const known = grid.length + (batch < 0 ? 0 : 1) + (channels < 0 ? 0 : 1);
  const once = new Set(letters).size === letters.length;
  if (letters.length !== rank || known !== rank || !once || grid.length === 0 || grid.length > 3) return undefined;
  return someAxes(batch < 0 ? undefined : batch, channels < 0 ? undefined : channels, grid);
}
