/** @file Elements of tensors: what is meant by one, its place in row-major order, and what a run knows of the tensor that it is of. */
import { present } from "../errors.ts";
import type { TensorType } from "../onnx/observe.ts";

/** An element of a tensor. */
export interface Element {
  readonly tensor: string;
  readonly index: readonly number[];
}

/** Where an element was computed, and the functions that made a probability of it, the last one first. */
export interface Source extends Element {
  readonly through: readonly string[];
}

/** What a run knows of tensors: their shapes, and the numbers of those that choose. */
export interface RunValues {
  dims(name: string): readonly number[] | undefined;
  values(name: string): ArrayLike<number | bigint> | undefined;
}

/** The shape of a tensor of one picture; undefined where only a run knows it. */
export function ofOne(tensor: TensorType | undefined): readonly number[] | undefined {
  const dims = tensor?.dims.map((d, axis) => (d < 0 && axis === 0 && tensor.perImage ? 1 : d));
  return dims?.includes(-1) ? undefined : dims;
}

export const at = (list: ArrayLike<number | bigint>, i: number): number => Number(present(list[i], "a number"));

/** The place of an index in row-major order. */
export const ravel = (index: readonly number[], dims: readonly number[]): number =>
  dims.reduce((place, size, axis) => place * size + at(index, axis), 0);

/** The index of a place in row-major order. */
export function unravel(place: number, dims: readonly number[]): number[] {
  const index: number[] = [];
  let rest = place;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = rest % at(dims, axis);
    rest = Math.floor(rest / at(dims, axis));
  }
  return index;
}
