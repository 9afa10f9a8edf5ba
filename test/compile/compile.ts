/** @file Compiling small models, and running what comes out. */
import * as native from "onnxruntime-node";
import { type CompileOptions, compile } from "../../src/explain/compile.ts";
import type { OpenOptions } from "../../src/index.ts";
import { readModel } from "../../src/onnx/model.ts";
import { changed, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import { openSession, type Runtime, run, type Tensor } from "../../src/onnx/runtime.ts";
import { typeFromName } from "../../src/onnx/types.ts";
import { open, session } from "../explain/ask.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** The bytes of a model's compiled form. */
export async function compiled(
  bytes: Uint8Array,
  options: CompileOptions = {},
  opening: OpenOptions = {},
): Promise<Uint8Array> {
  const explainer = await open(bytes, opening);
  try {
    return compile(explainer, options);
  } finally {
    await explainer.release();
  }
}

/** The model with its outputs' types and shapes, which a valid file has. */
export async function declared(bytes: Uint8Array): Promise<Uint8Array> {
  const opened = await openSession(native, bytes, session);
  const said = opened.outputMetadata.flatMap((o) => (o.isTensor ? [o] : []));
  await opened.release();
  const { proto, graph } = readModel(bytes);
  const output = said.map(({ name, type, shape }) => makeValueInfo(name, typeFromName(type), shape));
  return encodeModel(changed(proto, { graph: changed(graph, { output }) }));
}

/** Runs a model once; `classes` are fed where they are given. */
export async function runOnce(
  bytes: Uint8Array,
  feeds: Feeds,
  classes?: readonly number[],
  ort: Runtime = native,
): Promise<Record<string, Tensor>> {
  const opened = await openSession(ort, bytes, { ...session, graphOptimizationLevel: "all" });
  const target = classes && new ort.Tensor("int64", BigInt64Array.from(classes, BigInt), [classes.length]);
  try {
    return await run(opened, { ...feeds, ...(target && { gradcam_target: target }) });
  } finally {
    await opened.release();
  }
}

export const classesOf = (outputs: Record<string, Tensor>): number[] =>
  Array.from(outputs.gradcam_class.data as BigInt64Array, Number);
