/** @file Models whose inputs are declared otherwise than in the file: written anew, as little as possible. */
import { indexModel, type Model } from "../onnx/model.ts";
import { changed, declaredDims, declaredType, encodeModel, makeValueInfo, type ValueInfoProto } from "../onnx/proto.ts";

/**
 * The model as one whose inputs may have defaults. Before IR version 4 every initialiser stood among the inputs and none was a default;
 * from then on those that stand there are defaults, so the weights leave the inputs.
 */
export function withDefaults(model: Model): Model {
  return model.proto.irVersion >= 4n ? model : withInputs(model, model.inputs, { irVersion: 4n });
}

/** The model with the sizes of an input declared, the batch apart. */
export function withSizes(model: Model, name: string, sizes: readonly number[]): Model {
  const sized = (input: ValueInfoProto) =>
    makeValueInfo(name, declaredType(input), [declaredDims(input)?.[0] || "batch", ...sizes]);
  return withInputs(
    model,
    model.graph.input.map((input) => (input.name === name ? sized(input) : input)),
  );
}

function withInputs(
  model: Model,
  input: readonly ValueInfoProto[],
  changes: { readonly irVersion?: bigint } = {},
): Model {
  const proto = changed(model.proto, { ...changes, graph: changed(model.graph, { input: [...input] }) });
  const rewritten = [...(model.rewritten ?? []), "inputs declared anew"];
  return { ...indexModel(encodeModel(proto), proto), rewritten };
}
