/**
 * @file Rows of a tensor along an axis, and operators that make each row of their output of the same row of their inputs: through
 * these a gradient that is zero outside of some rows goes back on those rows alone.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";

/**
 * Consecutive rows of a tensor: `start` to before `end` of `size`. Where a Reshape has joined their axis with its neighbours, `axis`
 * counts outer x size x inner, of which one may be free (-1); else both are 1.
 */
export interface Rows {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly outer: number;
  readonly inner: number;
}

/** The rows of each input that rows of the output are made of: a hole for an input that all rows share. */
export type RowsOfInputs = readonly (Rows | undefined)[];

/** Of a node. */
interface Operands {
  readonly x: readonly Value[];
  readonly y: readonly Value[];
}

export const sameRows = (a: Rows, b: Rows): boolean =>
  (Object.keys(a) as (keyof Rows)[]).every((key) => a[key] === b[key]);

/** What goes element by element, with numpy broadcasting. */
export function aligned({ x, y: [y] }: Operands, rows: Rows): RowsOfInputs | undefined {
  const axes = x.map((v) => (v ? rows.axis - rankOf(y) + rankOf(v) : -1));
  const sizes = x.map((v, i) => (axes[i] < 0 ? 1 : (v.dims?.[axes[i]] ?? -1)));
  const known = sizes.every((size) => size === 1 || (size >= 0 && size === y.dims?.[rows.axis]));
  return known ? axes.map((axis, i) => (sizes[i] === 1 ? undefined : { ...rows, axis })) : undefined;
}

/** What works along some axes of its first input, and apart from that on each row for itself. */
export const beside =
  <Call>(axesOf: (call: Call) => readonly number[]) =>
  (c: Call, rows: Rows): RowsOfInputs | undefined =>
    axesOf(c).includes(rows.axis) ? undefined : [rows];

/** What keeps the elements and their order: rows are the same where as many elements lie before them, and behind them. */
export function regrouped({ x: [x], y: [y] }: Operands, rows: Rows): RowsOfInputs | undefined {
  const [from, to] = [y.dims ?? [], x.dims ?? []];
  const before = [...from.slice(0, rows.axis), rows.outer];
  const behind = [rows.inner, ...from.slice(rows.axis + 1)];
  const found = to.map((size, axis): Rows => {
    const outer = ratio(before, to.slice(0, axis));
    const inner = ratio(behind, to.slice(axis + 1));
    // Where the axis is known, one of them tells the other.
    if (size > 0 && outer > 0) return { ...rows, axis, outer, inner: size / rows.size / outer };
    if (size > 0 && inner > 0) return { ...rows, axis, outer: size / rows.size / inner, inner };
    return { ...rows, axis, outer, inner };
  });
  const own = found.find((candidate) => isApart(candidate, to));
  return own && [own];
}

/** How many times some dimensions hold others: -1 if only the run knows how many times, NaN if it may be no whole number. */
function ratio(dims: readonly number[], others: readonly number[]): number {
  const known = product(dims.filter((d) => d >= 0)) / product(others);
  if (!isStatic(others) || !Number.isInteger(known)) return Number.NaN;
  return isStatic(dims) ? known : -1;
}

/** Whether an axis can be taken apart: a Reshape infers no more than one dimension, the axis itself if it is free. */
function isApart({ axis, outer, inner }: Rows, dims: readonly number[]): boolean {
  const free = [outer, inner, ...dims.toSpliced(axis, 1)].filter((d) => d < 0).length;
  return Number.isInteger(outer) && Number.isInteger(inner) && outer * inner * dims[axis] > 0 && free <= 1;
}

/** The dims of a tensor of which only these rows are left. */
export function dimsOfRows(rows: Rows | undefined, dims: Value["dims"]): Value["dims"] {
  if (!rows) return dims;
  const { axis, start, end, outer, inner } = rows;
  return dims?.map((d, i) => (i !== axis ? d : outer < 0 || inner < 0 ? -1 : outer * (end - start) * inner));
}

/** The rows of a tensor. */
export const take = (build: Builder, x: Value, rows: Rows): Value =>
  apart(build, x, rows, rows.size, (v, axis) => build.slice(v, axis, rows.start, rows.end));

/** The tensor that has these rows, and is zero elsewhere. */
export const spread = (build: Builder, values: Value, rows: Rows): Value =>
  apart(build, values, rows, rows.end - rows.start, (v, axis) => around(build, v, [{ ...rows, axis }]));

/** Zeros around what is left along some axes, each an axis of its own. */
export function around(build: Builder, values: Value, left: readonly Rows[]): Value {
  const margins = (outside: (rows: Rows) => number) =>
    range(rankOf(values)).map((i) => left.reduce((sum, rows) => sum + (rows.axis === i ? outside(rows) : 0), 0));
  return build.pad(
    values,
    margins(({ start }) => start),
    margins(({ end, size }) => size - end),
  );
}

/** Changes a tensor while its rows, `count` of them, lie along an axis of their own. */
function apart(
  build: Builder,
  x: Value,
  { axis, outer, inner }: Rows,
  count: number,
  change: (x: Value, axis: number) => Value,
): Value {
  if (outer === 1 && inner === 1) return change(x, axis);
  const dims = x.dims ?? [];
  const split = (size: number) => [...dims.slice(0, axis), outer, size, inner, ...dims.slice(axis + 1)];
  const changed = change(build.reshape(x, split(count)), axis + 1);
  const joined = changed.dims?.slice(axis, axis + 3) ?? [];
  return build.reshape(changed, dims.toSpliced(axis, 1, isStatic(joined) ? product(joined) : -1));
}
