/** @file What a model is fed for one sample: its input, whatever else it takes, and a full batch where its batch is fixed. */
import type { Dense } from "../array/dense.ts";
import type { Explainer } from "../explain/explainer.ts";
import { DataType } from "../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../onnx/runtime.ts";
import { rowsOf, toTensor } from "../onnx/tensors.ts";
import { typeName } from "../onnx/types.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import type { ModelReading } from "./reading.ts";
import { batched, type Feeding } from "./sample.ts";

/** How samples become the input that is explained. */
export const feedingOf = (
  { tensors }: Explainer,
  { name, axes }: ExplainedInput,
  { preparation }: ModelReading,
): Feeding => ({ name, dims: tensors.get(name)?.dims ?? [], axes, preprocess: preparation });

/** A fixed batch is filled with the one sample, and answers about the first of them. */
export function feedsOf(
  ort: Runtime,
  { tensors }: Explainer,
  { name, dims, axes }: Feeding,
  input: Dense,
  others: Feeds = {},
): Feeds {
  const type = typeName(tensors.get(name)?.type ?? DataType.FLOAT);
  const all: [string, Tensor][] = Object.entries({
    [name]: toTensor(ort, batched(input, axes), type),
    ...others,
  });
  const batch = axes.batch === 0 ? (dims[0] ?? 1) : 1;
  if (batch <= 1) return Object.fromEntries(all);
  const full = ([key, tensor]: [string, Tensor]): [string, Tensor] => {
    const repeats = tensor.dims[0] === 1 && tensors.get(key)?.dims[0] === batch;
    return [key, repeats ? rowsOf(ort, tensor, Array(batch).fill(0)) : tensor];
  };
  return Object.fromEntries(all.map(full));
}
