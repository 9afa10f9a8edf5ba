/**
 * @file What lies behind a layer, run forwards on changed activations: the layer times factors, a row for each variant, and nothing of what
 * comes before it again.
 *
 * What the nodes behind it read beside the layer (the other side of a skip connection, sizes that depend on the batch) comes from one run of
 * the whole model on as many copies of the picture as there are rows.
 */
import type { ObservedModel } from "../autodiff/adjoint.ts";
import { UserError } from "../errors.ts";
import { nodesBehind } from "../onnx/behind.ts";
import { extract, readsOf } from "../onnx/extract.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { makeNode, makeValueInfo } from "../onnx/proto.ts";
import { openSession, overPreset, type Runtime, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { quiet } from "./sessions.ts";

/** The nodes behind a layer as a session. */
export interface Tail {
  readonly session: Session;
  /** The names of the inputs that take the activations of one picture, and the factors. */
  readonly activations: string;
  readonly factors: string;
  /** What else it reads of the model. */
  readonly reads: readonly string[];
}

/** @throws UserError where the layer holds whole numbers, or what is wanted does not lie behind it. */
export async function openTail(
  { ort, model, tensors }: ObservedModel & { readonly ort: Runtime },
  layer: string,
  wanted: readonly string[],
  options: SessionOptions,
): Promise<Tail> {
  const { type, dims } = typeOf(model, tensors, layer);
  if (!isFloat(type))
    throw new UserError(
      "invalid-option",
      `invalid layer: "${layer}" is ${typeName(type)}, whole numbers; this method changes activations and takes a layer of floats`,
    );
  const prefix = freshPrefix(model);
  const [activations, factors] = [`${prefix}activations`, `${prefix}factors`];
  const nodes = [makeNode("Mul", [activations, factors], [layer]), ...nodesBehind(model, layer, wanted)];
  const made = new Set(nodes.flatMap(({ output }) => output));
  const other = wanted.find((name) => !made.has(name));
  if (other !== undefined)
    throw new UserError("no-path", `no path: "${other}" does not depend on the layer "${layer}"`);
  const [, ...rest] = dims.map((d, i) => (d < 0 ? `${prefix}${i}` : d));
  const extension = {
    nodes,
    initializers: [],
    inputs: [
      makeValueInfo(activations, type, [1, ...rest]),
      makeValueInfo(
        factors,
        type,
        dims.map((_, i) => `${prefix}f${i}`),
      ),
    ],
    outputs: wanted.map((name) => makeValueInfo(name)),
  };
  const bytes = extract(model, tensors, extension);
  const { residuals } = readsOf(model, extension);
  return {
    session: await openSession(ort, bytes, overPreset(quiet, options), model),
    activations,
    factors,
    reads: residuals,
  };
}
