/**
 * @file Shapes that inference cannot tell, as those behind a Reshape to a shape that is worked out on the way: the model runs, on nothing
 * and on noise, and says them itself. A size that is not the same in both runs depends on values, and stays unknown.
 */
import { append } from "./append.ts";
import { product } from "./dims.ts";
import { graphsIn } from "./graphs.ts";
import type { Model } from "./model.ts";
import { declaredDims, declaredType, makeValueInfo, type NodeProto, type ValueInfoProto } from "./proto.ts";
import { type Feeds, openSession, type Runtime, run, type SessionOptions } from "./runtime.ts";
import { typeFromName, typeName } from "./types.ts";
import { arrayOf } from "./zeros.ts";

/** @param inputs with sizes that are all known; @returns by name, for what could be told; nothing where the model does not run so. */
export async function probe(
  ort: Runtime,
  model: Model,
  inputs: readonly ValueInfoProto[],
  names: readonly string[],
  options: SessionOptions,
): Promise<Map<string, { type: number; dims: number[] }>> {
  // A loop that ends when a number is reached may never reach it from nothing.
  if (model.graph.node.some(loops)) return new Map();
  const outputs = names.filter((name) => !model.outputs.includes(name)).map((name) => makeValueInfo(name));
  const bytes = append(model.bytes, { nodes: [], initializers: [], inputs: [], outputs });
  const found = new Map<string, { type: number; dims: number[] }>();
  try {
    const session = await openSession(ort, bytes, options);
    try {
      const blank = await run(
        session,
        feedsOf(ort, inputs, () => 0, 0),
        names,
      );
      const noisy = await run(
        session,
        // A count or a condition decides sizes: where it is 1 and not 0 they differ.
        feedsOf(ort, inputs, (i) => Math.sin(i * 12.9898) * 2, 1),
        names,
      );
      for (const [name, { type, dims }] of Object.entries(blank)) {
        const other = noisy[name]?.dims;
        if (other?.length !== dims.length) continue;
        found.set(name, { type: typeFromName(type), dims: dims.map((d, i) => (d === other[i] ? d : -1)) });
      }
    } finally {
      await session.release();
    }
  } catch {
    return new Map();
  }
  return found;
}

const loops = (node: NodeProto): boolean =>
  node.opType === "Loop" || graphsIn(node).some((graph) => graph.node.some(loops));

function feedsOf(ort: Runtime, inputs: readonly ValueInfoProto[], value: (i: number) => number, whole: 0 | 1): Feeds {
  const feeds = inputs.map((info) => {
    const dims = (declaredDims(info) ?? []).map(Number);
    const type = declaredType(info);
    return [
      info.name,
      new ort.Tensor(typeName(type) as "float32", arrayOf(type, product(dims), value, whole) as Float32Array, dims),
    ];
  });
  return Object.fromEntries(feeds);
}
