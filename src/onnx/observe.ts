/**
 * @file The types and shapes of every tensor of a model, as ONNX Runtime infers them: no shape inference of our own.
 *
 * The runtime is handed the graph without its weights (they become inputs), with every tensor as an output, and asked for its
 * output metadata: no forward pass and no copy of a weight. Free batch dimensions are observed at two sizes; a
 * dimension that differs between the two depends on the batch and is given as -1.
 */

import { UserError } from "../errors.ts";
import { product } from "./dims.ts";
import { describe, type Model } from "./model.ts";
import {
  type DataType,
  declaredDims,
  declaredType,
  encodeModel,
  isExternal,
  makeGraph,
  makeModel,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from "./proto.ts";
import { openSession, type Runtime, type SessionOptions } from "./runtime.ts";
import { typeFromName } from "./types.ts";

/** A tensor's type and dimensions; -1 for a dimension that depends on the batch or is known at run time only. */
export interface TensorType {
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Whether the first dimension counts the images. */
  readonly perImage: boolean;
}

/** By tensor name. A tensor whose rank the runtime cannot tell is missing. */
export type Observed = ReadonlyMap<string, TensorType>;

/** Shapes above this many elements cannot be arguments of another operator, so their values are not needed. */
const mostElementsKept = 64;
const batchSizes = [2, 3] as const;

/**
 * Observes a model.
 * @param shapes dimensions of its inputs where they are free (the first is the batch and stays free).
 * @throws UserError `invalid-model` when ONNX Runtime refuses the graph.
 */
export async function observe(
  ort: Runtime,
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>> = {},
  session: SessionOptions = {},
): Promise<Observed> {
  const free = model.inputs.some((input) => typeof declaredDims(input)?.[0] === "string");
  if (!free) return observeAt(ort, model, shapes, 1, session);
  let first: Observed;
  let second: Observed;
  try {
    first = await observeAt(ort, model, shapes, batchSizes[0], session);
    second = await observeAt(ort, model, shapes, batchSizes[1], session);
  } catch {
    // A batch that is free in name only: somewhere inside a shape is fixed for one image. What else is wrong shows here too.
    return observeAt(ort, model, shapes, 1, session);
  }
  return new Map(
    [...first].map(([name, { type, dims, perImage }]) => {
      const other = second.get(name)?.dims;
      const varies = dims[0] !== other?.[0];
      return [name, { type, dims: dims.map((d, i) => (d === other?.[i] ? d : -1)), perImage: perImage && varies }];
    }),
  );
}

async function observeAt(
  ort: Runtime,
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
  batch: number,
  session: SessionOptions,
): Promise<Observed> {
  const small = (tensor: TensorProto) => !isExternal(tensor) && product(tensor.dims.map(Number)) <= mostElementsKept;
  const batchNames = new Set(
    model.inputs.map((input) => declaredDims(input)?.[0]).filter((d) => typeof d === "string" && d),
  );
  const inputs = model.inputs.map((input) => {
    const given = shapes[input.name];
    const dims = declaredDims(input)?.map((d, i) => {
      if (typeof d === "number" && d >= 0) return d;
      if (i === 0 || batchNames.has(d)) return batch;
      return given?.[i] ?? (typeof d === "string" && d ? d : `${input.name}:${i}`);
    });
    return makeValueInfo(input.name, declaredType(input), dims);
  });
  const weights = model.graph.initializer
    .filter((tensor) => !small(tensor))
    .map(({ name, dataType, dims }) => makeValueInfo(name, dataType, dims.map(Number)));
  const names = model.graph.node.flatMap(({ output }) => output).filter(Boolean);
  const types = async (nodes: readonly NodeProto[], outputs: readonly string[]) => {
    const graph = makeGraph({
      name: model.graph.name,
      node: [...nodes],
      initializer: model.graph.initializer.filter(small),
      sparseInitializer: model.graph.sparseInitializer,
      input: [...inputs, ...weights],
      output: outputs.map((name) => makeValueInfo(name)),
    });
    const { irVersion, opsetImport, functions } = model.proto;
    const version = irVersion < 4n ? 4n : irVersion;
    const bytes = encodeModel(makeModel({ irVersion: version, opsetImport, functions, graph }));
    const options: SessionOptions = {
      ...session,
      graphOptimizationLevel: "basic",
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
    };
    const observer = await openSession(ort, bytes, options);
    const metadata = [...observer.inputMetadata, ...observer.outputMetadata];
    await observer.release();
    return metadata.filter((tensor) => tensor.isTensor);
  };
  const metadata = await types(model.graph.node, names);

  // A tensor of unknown rank has the shape [], as a scalar has. The length of its own shape tells them apart.
  const flat = metadata.filter(({ shape }) => shape.length === 0).map(({ name }) => name);
  const shapeOf = new Map(
    flat.filter((name) => model.producer.has(name)).map((name, i) => [`gradcam/shape${i}`, name]),
  );
  const asking = [...shapeOf].map(([shape, name]) => makeNode("Shape", [name], [shape]));
  const lengths = shapeOf.size ? await types([...model.graph.node, ...asking], [...shapeOf.keys()]) : [];
  const unknown = new Set(lengths.filter(({ shape }) => shape[0] !== 0).map(({ name }) => shapeOf.get(name)));

  const images = inputs.map((input) => declaredDims(input)?.[0]).find((d) => typeof d === "number") ?? batch;
  const tensors = new Map<string, TensorType>();
  for (const tensor of metadata) {
    if (unknown.has(tensor.name)) continue;
    const dims = tensor.shape.map((d) => (typeof d === "number" ? d : -1));
    tensors.set(tensor.name, { type: typeFromName(tensor.type), dims, perImage: dims[0] === images });
  }
  for (const { name, dataType, dims } of model.graph.initializer)
    tensors.set(name, { type: dataType, dims: dims.map(Number), perImage: false });
  return tensors;
}

/**
 * The type of a tensor that a caller names.
 * @throws UserError `unknown-name` where the model has no such tensor, `unsupported-operator` where its shape cannot be told.
 */
export function typeOf(model: Model, tensors: Observed, name: string): TensorType {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  const node = model.producer.get(name);
  if (!node) throw new UserError("unknown-name", `unknown tensor: the model has none of the name "${name}"`);
  const why = `ONNX Runtime cannot tell the shape of its output "${name}" before it runs`;
  throw new UserError("unsupported-operator", `unsupported operator: ${describe(node)}: ${why}`);
}
