/** @file Inputs of detectors that are no picture: its size, which their exports take to say where boxes lie. */
import type { Explainer } from "../../explain/explainer.ts";
import type { Size } from "../../image/geometry.ts";
import { DataType } from "../../onnx/proto.ts";
import type { Feeds, Runtime } from "../../onnx/runtime.ts";

/** What some exports take beside the picture: its size, so that boxes come in pixels of the network's input. */
export function sizesOf(
  ort: Runtime,
  { model, tensors, imageInput }: Explainer,
  { width, height }: Size,
  given: Feeds,
): Feeds {
  const feeds: Record<string, Feeds[string]> = {};
  for (const { name } of model.inputs) {
    if (name === imageInput || Object.hasOwn(given, name)) continue;
    const numbers = sizeInputs.find(([pattern]) => pattern.test(name))?.[1]({ width, height });
    if (!numbers) continue;
    const type = tensors.get(name)?.type;
    feeds[name] =
      type === DataType.INT64
        ? new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [1, 2])
        : type === DataType.INT32
          ? new ort.Tensor("int32", Int32Array.from(numbers), [1, 2])
          : new ort.Tensor("float32", Float32Array.from(numbers), [1, 2]);
  }
  return feeds;
}

const sizeInputs: readonly (readonly [RegExp, (size: Size) => number[]])[] = [
  [/^orig_target_sizes$/, ({ width, height }) => [width, height]],
  [/^(im_shape|ori_shape)$/, ({ width, height }) => [height, width]],
  [/^scale_factor$/, () => [1, 1]],
];

/** The inputs that a detector is fed without being asked for. */
export const isSizeInput = (name: string): boolean => sizeInputs.some(([pattern]) => pattern.test(name));
