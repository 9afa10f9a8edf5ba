/** @file Models whose inputs are declared otherwise than in the file: written anew, as little as possible. */
import { indexModel, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import {
  changed,
  declaredDims,
  declaredType,
  encodeModel,
  infoOf,
  makeValueInfo,
  type ValueInfoProto,
} from "../onnx/proto.ts";

/**
 * The model as one whose inputs may have defaults. Before IR version 4 every initialiser stood among the inputs and none was a default;
 * from then on those that stand there are defaults, so the weights leave the inputs.
 */
export function withDefaults(model: Model): Model {
  return model.proto.irVersion >= 4n ? model : withInputs(model, model.inputs, { irVersion: 4n });
}

/**
 * The model with every input and output declared as far as it is known, the sizes that its inputs were given among it: ONNX Runtime needs
 * none of this, but ONNX's checker does, and who takes a file of fixed sizes for one of free ones is misled.
 */
export function declaredWhole(model: Model, tensors: Observed): Model {
  const given = new Map(model.inputs.map((info) => [info.name, info]));
  const input = model.graph.input.map((info) => given.get(info.name) ?? info);
  const output = model.graph.output.map((info) => (declaredDims(info) ? info : told(info, tensors)));
  const same =
    input.every((info, i) => info === model.graph.input[i]) &&
    output.every((info, i) => info === model.graph.output[i]);
  return same ? model : withInputs(model, input, {}, output);
}

/** What is known of an output whose file does not say it; what is no tensor stays as it is. */
function told(info: ValueInfoProto, tensors: Observed): ValueInfoProto {
  const tensor = tensors.get(info.name);
  if (!tensor || (info.type?.value.case && info.type.value.case !== "tensorType")) return info;
  return infoOf({ name: info.name, ...tensor });
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
  output: readonly ValueInfoProto[] = model.graph.output,
): Model {
  const graph = changed(model.graph, { input: [...input], output: [...output] });
  const proto = changed(model.proto, { ...changes, graph });
  const rewritten = [...(model.rewritten ?? []), "inputs declared anew"];
  return { ...indexModel(encodeModel(proto), proto), rewritten };
}
