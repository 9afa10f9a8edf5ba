/**
 * @file Adding to a model without rewriting it. Protobuf merges concatenated messages: the model's bytes followed by a message
 * that holds only what is new are the whole model. The original bytes are untouched, and no weight is parsed or copied twice.
 */
import { encodeModel, makeGraph, makeModel, type NodeProto, type TensorProto, type ValueInfoProto } from "./proto.ts";

/** What is added to a graph. */
export interface Extension {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
}

/** The bytes that, appended to a model's, add the extension. They name no operator set and no IR version. */
export function encodeExtension({ nodes, initializers, inputs, outputs }: Extension): Uint8Array {
  const graph = makeGraph({
    node: [...nodes],
    initializer: [...initializers],
    input: [...inputs],
    output: [...outputs],
  });
  return encodeModel(makeModel({ graph }));
}

/** The extended model's bytes. */
export function append(model: Uint8Array, extension: Extension): Uint8Array {
  const added = encodeExtension(extension);
  const bytes = new Uint8Array(model.length + added.length);
  bytes.set(model);
  bytes.set(added, model.length);
  return bytes;
}
