/**
 * @file The values of small tensors that constants and shapes alone decide, as exporters work out pads, axes and sizes: a rule can then
 * read them as if they stood in the file. The runtime computes them in a graph of their own, before any picture is there.
 */
import { isStatic, product } from "./dims.ts";
import { Attributes, constantValues, type IndexedGraph } from "./model.ts";
import {
  DataType,
  encodeModel,
  isExternal,
  makeGraph,
  makeModel,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
} from "./proto.ts";
import { type Feeds, openSession, type Runtime, run, type SessionOptions } from "./runtime.ts";

interface Shaped {
  readonly type: DataType;
  readonly dims: readonly number[];
}

/** An argument has two numbers for each axis at the most; what it is worked out from may have some more. */
const mostNumbers = 16;
const mostOnTheWay = 64;
const types = new Set([DataType.INT64, DataType.INT32, DataType.FLOAT, DataType.BOOL]);

/** Operators whose rules ask for no values, and which most arguments are for. */
const askNothing = new Set(["Reshape", "Expand", "ConstantOfShape"]);

/**
 * The numbers of each tensor that a node reads and that depends on no input's values, by name; those that stand in the file are left out.
 * @param tensors the sizes at which the model is observed
 */
export async function observeArguments(
  ort: Runtime,
  model: IndexedGraph,
  tensors: ReadonlyMap<string, Shaped>,
  options: SessionOptions,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { nodes, shapes, wanted } = decided(model, tensors);
  if (wanted.length === 0) return new Map();
  const few = (tensor: TensorProto) => !isExternal(tensor) && product(tensor.dims.map(Number)) <= mostOnTheWay;
  const graph = makeGraph({
    name: "arguments",
    node: nodes,
    initializer: [...model.graph.initializer.filter(few), ...shapes],
    output: wanted.map((name) => makeValueInfo(name)),
  });
  const { irVersion, opsetImport } = model.proto;
  const bytes = encodeModel(makeModel({ irVersion: irVersion < 4n ? 4n : irVersion, opsetImport, graph }));
  // The runtime's shape inference errs on some chains of constants. Then they stay what the run works out.
  const values = await valuesOf(ort, bytes, options).catch((): Feeds => ({}));
  const numbers = Object.entries(values).map(
    ([name, { data }]) => [name, Array.from(data as Iterable<number | bigint>, Number)] as const,
  );
  return new Map(numbers.filter(([, { length }]) => length <= mostNumbers));
}

async function valuesOf(ort: Runtime, bytes: Uint8Array, options: SessionOptions): Promise<Feeds> {
  const session = await openSession(ort, bytes, options);
  try {
    return await run(session, {});
  } finally {
    await session.release();
  }
}

/** The nodes that constants and shapes alone decide, the shapes as constants, and what other nodes read of them. */
function decided(model: IndexedGraph, tensors: ReadonlyMap<string, Shaped>) {
  const nodes: NodeProto[] = [];
  const shapes: TensorProto[] = [];
  const known = new Set<string>();
  const large = (name: string, most: number) => {
    const dims = tensors.get(name)?.dims;
    return isStatic(dims) && product(dims ?? []) > most;
  };
  const isKnown = (name: string) =>
    !name || known.has(name) || (model.initializers.has(name) && !large(name, mostOnTheWay));
  const follows = (node: NodeProto) =>
    !node.domain &&
    !node.opType.startsWith("Random") &&
    !node.attribute.some(({ g }) => g) &&
    !node.output.some((name) => large(name, mostOnTheWay)) &&
    node.input.every(isKnown);
  for (const node of model.graph.node) {
    const sizes = sizesOf(node, tensors);
    if (sizes) shapes.push(sizes);
    else if (follows(node)) nodes.push(node);
    else continue;
    for (const name of node.output) if (name) known.add(name);
  }
  const isArgument = (name: string) =>
    types.has(tensors.get(name)?.type ?? DataType.UNDEFINED) && !large(name, mostNumbers);
  const asks = ({ opType, output }: NodeProto) => !askNothing.has(opType) && !output.some((name) => known.has(name));
  const wanted = [...known].filter(
    (name) => isArgument(name) && !constantValues(model, name) && model.consumers.get(name)?.some(asks),
  );
  return { nodes, shapes, wanted };
}

/** What a Shape or Size node gives, where the dimensions are known. */
function sizesOf(node: NodeProto, tensors: ReadonlyMap<string, Shaped>): TensorProto | undefined {
  const { opType, domain, input, output } = node;
  const dims = tensors.get(input[0])?.dims;
  if ((opType !== "Shape" && opType !== "Size") || domain || !dims) return undefined;
  const attributes = new Attributes(node);
  const sizes =
    opType === "Size" ? [product(dims)] : dims.slice(attributes.int("start", 0), attributes.int("end", undefined));
  if (!isStatic(opType === "Size" ? dims : sizes)) return undefined;
  const shape = opType === "Size" ? [] : [sizes.length];
  return makeTensor(output[0], DataType.INT64, shape, BigInt64Array.from(sizes, BigInt));
}
