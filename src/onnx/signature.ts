/** @file What a model takes and gives, as a person reads it. */
import type { Model } from "./model.ts";
import { declaredDims, declaredType, type ValueInfoProto } from "./proto.ts";
import { typeName } from "./types.ts";

export interface TensorSignature {
  readonly name: string;
  /** Undefined where the file does not say. */
  readonly type?: string;
  /** Numbers, or names of free dimensions; undefined where the file does not say. */
  readonly shape?: readonly (number | string)[];
}

export function signatureOf({ inputs, graph }: Model): {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
} {
  return { inputs: inputs.map(signature), outputs: graph.output.map(signature) };
}

const signature = (info: ValueInfoProto): TensorSignature => ({
  name: info.name,
  ...(declaredType(info) && { type: typeName(declaredType(info)) }),
  shape: declaredDims(info),
});
