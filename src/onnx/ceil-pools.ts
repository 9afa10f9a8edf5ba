/**
 * @file Poolings that round up. A window that would begin behind the input and its padding before it is counted by shape inference,
 * but not by the kernels: where the two differ, what inference says of a graph is mended by cutting the pooled tensor.
 */
import { Builder, type Value } from "./build.ts";
import { Attributes } from "./model.ts";
import { changed, declaredDims, makeNode, type NodeProto, type TensorProto, type ValueInfoProto } from "./proto.ts";
import type { Session } from "./runtime.ts";

/** Starts the name of a pooled tensor that is cut. */
const whole = "gradcam/whole/";
const pools = new Set(["MaxPool", "AveragePool", "LpPool"]);

/** Nodes in place of one, and the constants that they read. */
export interface Mended {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
}

/** The node and what cuts its outputs to the size that the kernel gives; undefined where inference is right, or knows nothing. */
function cutPool(
  node: NodeProto,
  opset: number,
  dimsOf: (name: string) => readonly number[] | undefined,
): Mended | undefined {
  if (node.output.some((name) => name.startsWith(whole))) return undefined;
  const attributes = new Attributes(node);
  const kernel = attributes.ints("kernel_shape");
  if (!pools.has(node.opType) || !kernel || attributes.int("ceil_mode", 0) !== 1) return undefined;
  const [input, output] = [dimsOf(node.input[0]), dimsOf(node.output[0])];
  const ones = kernel.map(() => 1);
  const strides = attributes.ints("strides") ?? ones;
  const begin = attributes.ints("pads") ?? ones.map(() => 0);
  const sizes = kernel.map((_, i) => {
    const [size, count] = [input?.[i + 2] ?? -1, output?.[i + 2] ?? -1];
    return size >= 0 && (count - 1) * strides[i] >= size + begin[i] ? count - 1 : count;
  });
  if (sizes.every((size, i) => size === output?.[i + 2])) return undefined;
  const build = new Builder(opset, `gradcam/cut/${node.output[0]}/`);
  const outputs = node.output.filter(Boolean);
  const cuts = outputs.map((name) =>
    sizes.reduce<Value>((value, size, i) => build.slice(value, i + 2, 0, size), {
      name: whole + name,
      type: 1,
      dims: output,
    }),
  );
  const made = build.collect(cuts);
  return {
    nodes: [
      changed(node, { output: node.output.map((name) => name && whole + name) }),
      ...made.nodes,
      ...outputs.map((name, i) => makeNode("Identity", [cuts[i].name], [name])),
    ],
    initializers: made.initializers,
  };
}

/** The nodes with the first pooling mended that inference gives a window too many. */
export function firstCut(
  nodes: readonly NodeProto[],
  opset: number,
  fed: readonly ValueInfoProto[],
  metadata: Session["outputMetadata"],
): Mended | undefined {
  const known = [
    ...fed.map((info) => [info.name, declaredDims(info) ?? []] as const),
    ...metadata.flatMap((t) => (t.isTensor ? [[t.name, t.shape] as const] : [])),
  ];
  const dims = new Map(known.map(([name, shape]) => [name, shape.map((d) => (typeof d === "number" ? d : -1))]));
  for (const [i, node] of nodes.entries()) {
    const mended = cutPool(node, opset, (name) => dims.get(name));
    if (mended) return { ...mended, nodes: [...nodes.slice(0, i), ...mended.nodes, ...nodes.slice(i + 1)] };
  }
  return undefined;
}
