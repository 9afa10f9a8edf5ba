/** @file From a file's bytes to a model that can be run from JavaScript, and that gradients can be appended to. */
import { UserError } from "../errors.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { type Observed, observe } from "../onnx/observe.ts";
import { declaredDims, declaredType, type NodeProto } from "../onnx/proto.ts";
import { placed } from "../onnx/provider.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";
import { hasArray } from "../onnx/types.ts";
import { knows, loadOperatorsOf } from "../ops/index.ts";

/**
 * Opens an ONNX file.
 * @throws UserError `invalid-model` for what is none, saying what it is and what to do with it where that can be told.
 */
export async function openModel(bytes: Uint8Array): Promise<Model> {
  let model: Model;
  try {
    model = readModel(bytes);
  } catch (error) {
    const { foreignModel } = await import("../onnx/foreign.ts");
    const told = error instanceof UserError && foreignModel(bytes);
    throw told ? new UserError("invalid-model", `invalid model: ${told}`, { cause: error }) : error;
  }
  return prepared(model);
}

/**
 * The model, or what is made of it: with its nodes in order, without functions of its own on the path, in operator set 9 at least, its
 * inputs and outputs of types that JavaScript has arrays for. Few have to be written anew for it, so what does is fetched for those.
 * @throws UserError `invalid-model` for an operator set older than 7, and for functions that call themselves.
 */
export async function prepared(model: Model): Promise<Model> {
  const packed = model.graph.node.find(({ domain }) => domain === "com.microsoft.nchwc");
  if (packed) (await import("../onnx/foreign.ts")).refusePacked(packed);
  const right = model.opset >= 9 && !model.mended && model.proto.functions.length === 0;
  const upgraded = right ? model : (await import("../onnx/upgrade.ts")).upgrade(model, isOperator);
  const odd = [...upgraded.inputs, ...upgraded.graph.output].some((info) => {
    const type = declaredType(info);
    return (type !== 0 && !hasArray(type)) || declaredDims(info)?.includes(0);
  });
  return odd ? (await import("../onnx/retype.ts")).retyped(upgraded) : upgraded;
}

/** ONNX Runtime takes its own operator where a function has the name of one. */
const isOperator = (node: NodeProto): boolean =>
  ["", "ai.onnx", "ai.onnx.ml"].includes(node.domain) || (node.domain === "com.microsoft" && knows(node));

/** A model at some sizes, its operators loaded and its tensors observed, with options of a provider that can run it, and why it is that one. */
export async function observedOn(
  ort: Runtime,
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
  options: SessionOptions | undefined,
): Promise<{ readonly tensors: Observed; readonly session?: SessionOptions; readonly because?: string }> {
  await loadOperatorsOf(model.graph);
  const tensors = await observe(ort, model, shapes, options);
  return { tensors, ...(await placed(ort, model, tensors, options)) };
}
