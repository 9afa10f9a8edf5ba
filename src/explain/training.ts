/** @file Models that were exported in training mode: what they say of a picture depends on the pictures beside it, or on chance. */
import { Attributes, constantValues, type Model } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { inTraining } from "../ops/op.ts";

/** @param wanted tensors that the score depends on; @throws UserError `unsupported-operator` that names the first such node among them. */
export function refuseTraining(model: Model, wanted: ReadonlySet<string>): void {
  // Weights may be normalised in this way: what depends on no picture is the same in every run.
  const depends = ({ output: [name = ""] }: NodeProto) => wanted.has(name) && !model.constants.has(name);
  const found = model.graph.node.find((node) => depends(node) && trains(model, node));
  if (found) inTraining(found);
}

function trains(model: Model, node: NodeProto): boolean {
  const attributes = new Attributes(node);
  if (node.opType === "BatchNormalization")
    return model.opset < 14 ? node.output.filter(Boolean).length > 1 : attributes.int("training_mode", 0) !== 0;
  const [, , mode = ""] = node.input; // "": absent
  return node.opType === "Dropout" && mode !== "" && constantValues(model, mode)?.[0] === 1;
}
