/**
 * @file What runs take, by an estimate: the sizes of tensors at one picture, as if none made room for another. Asked with every question, and
 * summed up once for each size of picture.
 */
import type { ObservedModel } from "../autodiff/adjoint.ts";
import { dependents } from "../autodiff/dependents.ts";
import { product } from "../onnx/dims.ts";
import type { Observed, TensorType } from "../onnx/observe.ts";
import { bytesOf } from "../onnx/types.ts";
import { ancestors } from "../read/score.ts";

const sizeOf = ({ type, dims }: TensorType): number => product(dims.map((d) => Math.max(1, d))) * bytesOf(type);

const known = new WeakMap<Observed, Map<string, number>>();

function once(tensors: Observed, key: string, sum: () => number): number {
  const sums = known.get(tensors) ?? new Map<string, number>();
  known.set(tensors, sums);
  const bytes = sums.get(key) ?? sum();
  sums.set(key, bytes);
  return bytes;
}

/** Bytes of all tensors of a run. */
export const runBytes = (tensors: Observed): number =>
  once(tensors, "", () => [...tensors.values()].reduce((sum, tensor) => sum + sizeOf(tensor), 0));

/** Bytes of the tensors of one picture, or of a batch that is fixed: all that is no weight. */
export const pictureBytes = ({ model, tensors }: ObservedModel): number =>
  once(tensors, "picture", () => {
    const made = [...tensors].filter(([name]) => !model.constants.has(name));
    return made.reduce((sum, [, tensor]) => sum + sizeOf(tensor), 0);
  });

/** Bytes of what one cotangent of the scores passes on the backward pass to a tensor. */
export const rowBytes = ({ model, tensors }: ObservedModel, scores: string, tensor: string): number =>
  once(tensors, JSON.stringify([scores, tensor]), () => {
    const wanted = ancestors(model, [scores]);
    const active = dependents(model, tensors, [tensor]);
    const passed = [...tensors].filter(([name]) => wanted.has(name) && active.has(name));
    return passed.reduce((sum, [, one]) => sum + sizeOf(one), 0);
  });
