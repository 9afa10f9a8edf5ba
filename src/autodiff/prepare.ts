/** @file Models as gradients can be appended to them. Few have to be written anew for it, so what does is fetched for those. */
import type { Model } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { knows } from "../ops/index.ts";

/**
 * The model, or what is made of it: with its nodes in order, without functions of its own on the path, in operator set 9 at least.
 * @throws UserError `invalid-model` for an operator set older than 7, and for functions that call themselves.
 */
export async function prepared(model: Model): Promise<Model> {
  if (model.opset >= 9 && !model.mended && model.proto.functions.length === 0) return model;
  const { upgrade } = await import("../onnx/upgrade.ts");
  return upgrade(model, isOperator);
}

/** ONNX Runtime takes its own operator where a function has the name of one. */
const isOperator = (node: NodeProto): boolean =>
  ["", "ai.onnx", "ai.onnx.ml"].includes(node.domain) || (node.domain === "com.microsoft" && knows(node));
