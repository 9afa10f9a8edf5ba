/** @file What runs take, by an estimate: the sizes of tensors at one picture, as if none made room for another. */
import type { ObservedModel } from "../autodiff/adjoint.ts";
import { dependents } from "../autodiff/dependents.ts";
import { product } from "../onnx/dims.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { bytesOf } from "../onnx/types.ts";
import { ancestors } from "../read/score.ts";

const sizeOf = ({ type, dims }: TensorType): number => product(dims.map((d) => Math.max(1, d))) * bytesOf(type);

/** Bytes of all tensors of a run. */
export const runBytes = (tensors: Observed): number =>
  [...tensors.values()].reduce((sum, tensor) => sum + sizeOf(tensor), 0);

/** Bytes of what one cotangent of the scores passes on the backward pass to a tensor. */
export function rowBytes({ model, tensors }: ObservedModel, scores: readonly string[], tensor: string): number {
  const wanted = ancestors(model, scores);
  const passed = [...tensors].filter(([name]) => wanted.has(name));
  const active = dependents(model, tensors, [tensor]);
  return passed.reduce((sum, [name, one]) => sum + (active.has(name) ? sizeOf(one) : 0), 0);
}
