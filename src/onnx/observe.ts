/**
 * @file The types and shapes of every tensor of a model, as ONNX Runtime infers them: no shape inference of our own.
 *
 * The runtime is handed the graph without its weights (they become inputs), with every tensor as an output, and asked for its
 * output metadata: no forward pass and no copy of a weight. Free batch dimensions are observed at two sizes; a
 * dimension that differs between the two depends on the batch and is given as -1. A graph inside a node (If, Loop, Scan) is observed
 * in the same way, as a graph of its own that is fed what it reads of the outer one.
 */

import { UserError } from "../errors.ts";
import { observeArguments } from "./arguments.ts";
import type { Body, Observed, TensorType } from "./bodies.ts";
import { product } from "./dims.ts";
import { constantValues, describe, graphsIn, type IndexedGraph, type Model } from "./model.ts";
import {
  changed,
  DataType,
  declaredDims,
  declaredType,
  encodeModel,
  type GraphProto,
  infoOf,
  isExternal,
  makeGraph,
  makeModel,
  makeNode,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";
import { openSession, overPreset, type Runtime, type SessionOptions } from "./runtime.ts";
import { sizesAsked } from "./sizes-asked.ts";
import { hasArray, isFloat, typeFromName } from "./types.ts";

export type { Observed, TensorType };

class Tensors extends Map<string, TensorType> implements Observed {
  constructor(
    entries: Iterable<readonly [string, TensorType]>,
    readonly bodies: ReadonlyMap<GraphProto, Body> = new Map(),
  ) {
    super(entries);
  }
}

/** Shapes above this many elements cannot be arguments of another operator, so their values are not needed. */
const mostElementsKept = 64;
const batchSizes = [2, 3] as const;

/** Operators of which the runtime does not say that their output is like their input. */
const keepsShape = new Set(["MeanVarianceNormalization"]);

/**
 * Observes a model.
 * @param shapes dimensions of its inputs where they are free (the first is the batch and stays free, unless it is so in name only).
 * @throws UserError `invalid-model` when ONNX Runtime refuses the graph.
 */
export async function observe(
  ort: Runtime,
  model: IndexedGraph,
  shapes: Readonly<Record<string, readonly number[]>> = {},
  session: SessionOptions = {},
): Promise<Observed> {
  const free = model.inputs.filter(
    (input) => typeof (declaredDims(input) ?? own(shapes, input.name)?.map(() => ""))?.[0] === "string",
  );
  const at = (batch: number, fixed = true) =>
    observeAt({ ort, session, batch, fixed }, model, inputsAt(model, shapes, batch));
  if (free.length === 0) return at(1);
  let first: Observed;
  let second: Observed;
  const [fed] = free.map(({ name }) => own(shapes, name)?.[0]).filter((batch) => batch !== undefined);
  // Another dimension that goes by the batch's name is of its size: it is free no more once that is fed.
  if (fed !== undefined && namedLikeBatch(model)) return at(fed);
  try {
    first = await at(batchSizes[0], false);
    second = await at(batchSizes[1], false);
  } catch {
    // A batch that is free in name only: inside a shape is fixed, for as many images as are fed. What else is wrong shows here too.
    return at(fed ?? 1, fed !== undefined);
  }
  return inBoth(first, second);
}

/** What a record holds under a name from a file, which may be that of something every object has. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

const batchNamesOf = (model: IndexedGraph) =>
  new Set(model.inputs.map((input) => declaredDims(input)?.[0]).filter((d) => typeof d === "string" && d));

function namedLikeBatch(model: IndexedGraph): boolean {
  const names = batchNamesOf(model);
  return model.inputs.some((input) => declaredDims(input)?.some((d, i) => i > 0 && names.has(d)));
}

/** What two batch sizes have in common. */
function inBoth(first: Observed, second: Observed): Observed {
  const tensors = [...first].map(([name, { type, dims, perImage, values }]) => {
    const other = second.get(name);
    const varies = dims[0] !== other?.dims[0];
    const common = dims.map((d, i) => (d === other?.dims[i] ? d : -1));
    const [small, large] = batchSizes;
    const folded = dims.some((d, i) => d !== other?.dims[i] && !(d === small && other?.dims[i] === large));
    const same = values?.every((value, i) => value === other?.values?.[i]);
    return [
      name,
      { type, dims: common, perImage: perImage && varies, folded, values: same ? values : undefined },
    ] as const;
  });
  const bodies = [...first.bodies].flatMap(([graph, body]) => {
    const other = second.bodies.get(graph);
    return other ? [[graph, { ...body, tensors: inBoth(body.tensors, other.tensors) }] as const] : [];
  });
  return new Tensors(tensors, new Map(bodies));
}

/** The model's inputs at a batch size. */
function inputsAt(model: IndexedGraph, shapes: Readonly<Record<string, readonly number[]>>, batch: number) {
  const batchNames = batchNamesOf(model);
  return model.inputs.map((input) => {
    const given = own(shapes, input.name);
    const dims = (declaredDims(input) ?? given?.map(() => ""))?.map((d, i) => {
      if (typeof d === "number" && d >= 0) return d;
      if (i === 0 || batchNames.has(d)) return batch;
      return given?.[i] ?? (typeof d === "string" && d ? d : `${input.name}:${i}`);
    });
    return makeValueInfo(input.name, declaredType(input), dims);
  });
}

/** How the runtime is asked. */
interface Asking {
  readonly ort: Runtime;
  readonly session: SessionOptions;
  readonly batch: number;
  /** Whether the batch is of that size, and no example. */
  readonly fixed: boolean;
}

const holdsGraphs = ({ opType }: NodeProto): boolean => ["If", "Loop", "Scan"].includes(opType);

async function observeAt(asking: Asking, model: IndexedGraph, inputs: readonly ValueInfoProto[]): Promise<Observed> {
  const nodes = model.graph.node.filter(holdsGraphs);
  if (nodes.length === 0) return new Tensors(await withValues(asking, model, await inferred(asking, model, inputs)));
  const { behind, graphsTaken, observeBody, outputTypes } = await import("./bodies.ts"); // few models need it
  const alone = ({ graph }: { graph: IndexedGraph }) => observeAt(asking, graph, graph.inputs);
  const bodies = new Map<GraphProto, Body>();
  const told = new Map<string, TensorType>();
  // Inference also goes through branches that are not taken, and may stop there: then each If waits until its condition is known.
  const waiting = new Set<NodeProto>();
  for (;;) {
    const tensors = await inferred(asking, model, inputs, told, behind(model.graph, waiting, told)).catch((error) => {
      const choices = nodes.filter(
        ({ opType, input: [on] }) => opType === "If" && (asking.fixed || constantValues(model, on)),
      );
      if (waiting.size || choices.length === 0) throw error;
      for (const node of choices) waiting.add(node);
    });
    if (!tensors) continue;
    const values = waiting.size ? await observeArguments(asking.ort, model, tensors, asking.session) : undefined;
    const before = told.size;
    for (const node of nodes) {
      const [on] = node.input;
      const graphs = waiting.has(node)
        ? graphsTaken(node, (constantValues(model, on) ?? values?.get(on))?.[0])
        : graphsIn(node);
      for (const graph of graphs) {
        const body = bodies.get(graph) ?? (await observeBody(model, tensors, node, graph, alone));
        if (body) bodies.set(graph, body);
      }
      const known = graphs.flatMap((graph) => bodies.get(graph) ?? []);
      if (known.length < graphs.length) continue;
      outputTypes(model, tensors, node, known).forEach((type, i) => {
        if (type && node.output[i] && !tensors.has(node.output[i])) told.set(node.output[i], type);
      });
    }
    // What lies behind those outputs can be inferred now.
    if (told.size === before) return new Tensors(await withValues(asking, model, tensors), bodies);
  }
}

async function withValues(
  { ort, session, fixed }: Asking,
  model: IndexedGraph,
  tensors: ReadonlyMap<string, TensorType>,
) {
  const values = await observeArguments(ort, model, tensors, { ...session, executionProviders: ["cpu"] });
  // A condition that holds of the batches observed need not hold of others.
  const told = (name: string, { type }: TensorType) => (fixed || type !== DataType.BOOL ? values.get(name) : undefined);
  return [...tensors].map(([name, tensor]) => [name, { ...tensor, values: told(name, tensor) }] as const);
}

/**
 * @param told what is known of tensors already
 * @param left tensors whose nodes are left out
 */
async function inferred(
  { ort, session, batch }: Asking,
  model: IndexedGraph,
  inputs: readonly ValueInfoProto[],
  told: ReadonlyMap<string, TensorType> = new Map(),
  left: ReadonlySet<string> = new Set(),
): Promise<Map<string, TensorType>> {
  const small = (tensor: TensorProto) => !isExternal(tensor) && product(tensor.dims.map(Number)) <= mostElementsKept;
  // A tensor that is known is an input, and who makes it makes another.
  const given = [...told].map(([name, tensor]) => infoOf({ name, ...tensor }));
  const fed = [...inputs, ...given];
  const seen = isUnnamed(model.graph, fed)
    ? (await import("./disguise.ts")).disguise(model.graph, fed) // few models need it
    : { ...model.graph, inputs: fed, trueType: (_: string, told: DataType) => told };
  const weights = seen.initializer
    .filter((tensor) => !small(tensor))
    .map(({ name, dataType, dims }) => makeValueInfo(name, dataType, dims.map(Number)));
  const makers = seen.node
    .filter(({ output }) => !output.some((name) => left.has(name)))
    .map((node) =>
      node.output.some((name) => told.has(name))
        ? changed(node, { output: node.output.map((name) => (told.has(name) ? `gradcam/${name}` : name)) })
        : node,
    );
  const names = model.graph.node
    .flatMap(({ output }) => output)
    .filter((name) => name && !told.has(name) && !left.has(name));
  const compresses = seen.node.some(({ opType }) => opType === "Compress"); // few models do
  const compressed = compresses ? (await import("./compress.ts")).asGather : undefined;
  const cutting: TensorProto[] = [];
  const types = async (nodes: readonly NodeProto[], outputs: readonly string[]) => {
    const graph = makeGraph({
      name: model.graph.name,
      node: nodes.flatMap((node) => compressed?.(node, model) ?? observable(node)),
      initializer: [...seen.initializer.filter(small), ...cutting],
      sparseInitializer: model.graph.sparseInitializer,
      input: [...seen.inputs, ...weights],
      output: outputs.map((name) => makeValueInfo(name)),
    });
    const { irVersion, opsetImport, functions } = model.proto;
    const version = irVersion < 4n ? 4n : irVersion;
    const bytes = encodeModel(makeModel({ irVersion: version, opsetImport, functions, graph }));
    // Strict: operands whose shapes do not fit are an error here, not a warning and a wrong shape.
    const strict: SessionOptions = { extra: { session: { strict_shape_type_inference: "1" } } };
    const options: SessionOptions = {
      ...overPreset(strict, session),
      graphOptimizationLevel: "basic",
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
    };
    const observer = await openSession(ort, bytes, options);
    const metadata = observer.outputMetadata;
    await observer.release();
    return metadata.filter((tensor) => tensor.isTensor);
  };
  let nodes: readonly NodeProto[] = makers;
  let metadata = names.length ? await types(nodes, names) : []; // a branch may hold no more than a constant
  // One at a time, for what is behind a pooling depends on its size.
  if (makers.some(roundsUp)) {
    const { firstCut } = await import("./ceil-pools.ts"); // few models need it
    for (;;) {
      const mended = firstCut(nodes, model.opset, fed, metadata);
      if (!mended) break;
      nodes = mended.nodes;
      cutting.push(...mended.initializers);
      metadata = await types(nodes, names);
    }
  }

  // A tensor of unknown rank has the shape [], as a scalar has. The length of its own shape tells them apart.
  const flat = metadata.filter(({ shape }) => shape.length === 0).map(({ name }) => name);
  const shapeOf = new Map(flat.map((name, i) => [`gradcam/shape${i}`, name]));
  const asking = [...shapeOf].map(([shape, name]) => makeNode("Shape", [name], [shape]));
  const lengths = shapeOf.size ? await types([...nodes, ...asking], [...shapeOf.keys()]) : [];
  const unknown = new Set(lengths.filter(({ shape }) => shape[0] !== 0).map(({ name }) => shapeOf.get(name)));

  const images = inputs.map((input) => declaredDims(input)?.[0]).find((d) => typeof d === "number") ?? batch;
  const tensors = new Map<string, TensorType>();
  const add = (name: string, type: DataType, shape: readonly (number | string)[]) => {
    const dims = shape.map((d) => (typeof d === "number" && d < unknownSize ? d : -1));
    tensors.set(name, { type, dims, perImage: dims[0] === images });
  };
  for (const info of fed) {
    const dims = declaredDims(info);
    if (dims) add(info.name, declaredType(info), dims);
  }
  for (const { name, type, shape } of metadata)
    if (!unknown.has(name)) add(name, seen.trueType(name, typeFromName(type)), shape);
  for (const { name, dataType, dims } of model.graph.initializer)
    tensors.set(name, { type: dataType, dims: dims.map(Number), perImage: false });
  for (const { values, dims } of model.graph.sparseInitializer)
    if (values) tensors.set(values.name, { type: values.dataType, dims: dims.map(Number), perImage: false });
  const floats = metadata.filter(({ name, type }) => unknown.has(name) && isFloat(typeFromName(type)));
  const sized = inputs.every((info) => declaredDims(info)?.every((d) => typeof d === "number"));
  if ("bytes" in model && sized && floats.length) {
    const { probe } = await import("./probe.ts"); // few models need it
    const names = floats.map(({ name }) => name);
    for (const [name, { type, dims }] of await probe(ort, model as Model, inputs, names, session))
      add(name, type, dims);
  }
  return tensors;
}

/** -1 as ONNX Runtime Web has it, of dimensions without a name: in a size_t of 32 bits, or more. */
const unknownSize = 2 ** 32 - 1;

const roundsUp = ({ attribute }: NodeProto): boolean =>
  attribute.some(({ name, i }) => name === "ceil_mode" && i === 1n);

/** Whether a graph, or one inside it, has a type that the runtime's interface has no name for. */
function isUnnamed(graph: GraphProto, inputs: readonly ValueInfoProto[]): boolean {
  const unnamed = (type: DataType) => type !== DataType.UNDEFINED && !hasArray(type);
  const has = ({ initializer, node }: GraphProto): boolean =>
    initializer.some(({ dataType }) => unnamed(dataType)) ||
    node.some(
      (n) =>
        n.attribute.some((a) => unnamed(a.t?.dataType ?? (/^(to|(output_)?dtype)$/.test(a.name) ? Number(a.i) : 0))) ||
        graphsIn(n).some(has),
    );
  return inputs.some((info) => unnamed(declaredType(info))) || has(graph);
}

function observable(node: NodeProto): NodeProto[] {
  const [output] = node.output;
  if (keepsShape.has(node.opType)) return [makeNode("Identity", node.input, node.output)];
  // Inference takes the product of a shape's numbers for its length, and so finds dimensions that contradict each other.
  if (node.opType === "Size" && !node.domain)
    return [
      makeNode("Shape", node.input, [`gradcam/${output}`]),
      makeNode("ReduceProd", [`gradcam/${output}`], [output], { keepdims: 0 }),
    ];
  return [node];
}

/**
 * The type of a tensor that a caller names.
 * @throws UserError `unknown-name` where the model has no such tensor, `unsupported-operator` where its shape cannot be told.
 */
export function typeOf(model: IndexedGraph, tensors: Observed, name: string): TensorType {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  const node = model.producer.get(name);
  if (!node) throw new UserError("unknown-name", `unknown tensor: the model has no "${name}"`);
  const how = `the sizes of the inputs may help: ${sizesAsked(model)}`;
  const why = `ONNX Runtime cannot tell the shape of its output "${name}" before it runs; ${how}`;
  throw new UserError("unsupported-operator", `unsupported operator: ${describe(node)}: ${why}`);
}
