/** @file Heads: what is put behind an output that is not yet a row of scores for each sample. */
import { append } from "../../onnx/append.ts";
import { Builder, type Value } from "../../onnx/build.ts";
import { freshPrefix, type Model } from "../../onnx/model.ts";
import { type Observed, typeOf } from "../../onnx/observe.ts";
import { infoOf, makeNode } from "../../onnx/proto.ts";

/** Makes scores [n, k] of a tensor, and says what inputs of its own it reads. */
export type Head = (build: Builder, tensor: Value) => { readonly scores: Value; readonly inputs?: readonly Value[] };

/** The model's bytes with the output `output`, the scores that a head makes of the tensor `of`; which is an output too. */
export function withHead(
  model: Model,
  tensors: Observed,
  { of, head, output }: { readonly of: string; readonly head: Head; readonly output: string },
): Uint8Array {
  const build = new Builder(model.opset, freshPrefix(model));
  const { type, dims } = typeOf(model, tensors, of);
  const { scores, inputs = [] } = head(build, { name: of, type, dims });
  const { nodes, initializers } = build.collect([scores]);
  return append(model.bytes, {
    nodes: [...nodes, makeNode("Identity", [scores.name], [output])],
    initializers,
    inputs: inputs.map(infoOf),
    outputs: [
      ...(model.outputs.includes(of) ? [] : [infoOf({ name: of, type, dims })]),
      infoOf({ ...scores, name: output }),
    ],
  });
}
