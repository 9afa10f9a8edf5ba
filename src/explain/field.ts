/** @file What the cells of a tensor see of the picture, axis by axis, and how that moves, widens and joins. */
import type { Attributes } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";

/** What the cells along one axis of a tensor see of one axis of the picture. */
export interface Field {
  /** Which axis of the picture: 0 for the first. */
  readonly of: number;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  /** Of tokens: how many cells there are. */
  readonly cells?: number;
}

/** Of each axis of a tensor: the picture's axes that run along it, one or (as tokens, row by row) several; none for channels. */
export type Axes = readonly (readonly Field[])[];

/** Undefined: what the tensor holds has no place in the picture. */
export type Known = Axes | undefined;

export const isPlaced = (axes: Known): boolean => axes?.some((fields) => fields.length) ?? false;

/** A node whose inputs are known. */
export interface Call {
  readonly node: NodeProto;
  readonly a: Attributes;
  readonly inputs: readonly Known[];
  readonly output: string;
  /** Which of the node's outputs. */
  readonly index: number;
  /** Of an input that is absent, none. */
  readonly dims: (name: string | undefined) => readonly number[];
  readonly values: (name: string | undefined) => number[] | undefined;
}

export type FieldRule = (call: Call) => Known;

/** One axis, seen through a window or a shift: the first cell begins `before` cells earlier and is `more` cells wider. */
export const through = (fields: readonly Field[], { before = 0, more = 0, stride = 1 }): readonly Field[] =>
  fields.length === 1 ? fields.map((field) => windowed(field, before, more, stride)) : [];

export const windowed = ({ of, low, high, step }: Field, before: number, more: number, stride: number): Field => ({
  of,
  low: low - before * step,
  high: high + (more - before) * step,
  step: step * stride,
});

/** Cells at other places of the same axis: cell k is where cell `from + k * stride` was, between cells where that is not whole. */
export const moved = (fields: readonly Field[], from: number, stride: number): readonly Field[] =>
  through(fields, { before: -from, stride });

/** Tensors that are broadcast with each other; what has no place is passed over. */
export function joined(all: readonly { readonly axes: Known; readonly dims: readonly number[] }[]): Known {
  const rank = Math.max(...all.map(({ axes, dims }) => axes?.length ?? dims.length));
  const aligned = all.flatMap(({ axes }) => (axes ? [{ axes, offset: rank - axes.length }] : []));
  return Array.from({ length: rank }, (_, axis) =>
    union(aligned.map(({ axes, offset }) => axes[axis - offset] ?? []).filter((fields) => fields.length)),
  );
}

/** The fields of cells that see what several see; none where these run across the picture differently. */
export function union(all: readonly (readonly Field[])[]): readonly Field[] {
  const [first, ...others] = all;
  if (!first) return [];
  return others.reduce((joint, fields) => {
    const both = joint.flatMap((field, i) => met(field, fields[i]));
    return both.length === joint.length && both.length === fields.length ? both : [];
  }, first);
}

function met(a: Field, b: Field | undefined): readonly Field[] {
  if (a.of !== b?.of || !(Math.abs(a.step - b.step) < 1e-6 * a.step)) return [];
  return [{ ...a, low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }];
}
