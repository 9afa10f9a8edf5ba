/**
 * @file The adjoint as a model of its own: only the added nodes, and the constants they read. What they need of the forward
 * pass (the residuals) become inputs, so that the forward pass runs once and its explanation as often as it is asked.
 */
import type { Extension } from "./append.ts";
import type { Model } from "./model.ts";
import type { Observed } from "./observe.ts";
import { encodeModel, makeGraph, makeModel, makeValueInfo, type NodeProto } from "./proto.ts";

/** A model cut out of a graph, and the forward tensors that it takes as inputs. */
export interface Extract {
  readonly bytes: Uint8Array;
  readonly residuals: readonly string[];
}

export function extract(model: Model, tensors: Observed, extension: Extension): Extract {
  const own = new Set([
    ...extension.nodes.flatMap(({ output }) => output),
    ...extension.initializers.map(({ name }) => name),
    ...extension.inputs.map(({ name }) => name),
  ]);
  const read = new Set(extension.nodes.flatMap(({ input }) => input).filter((name) => name && !own.has(name)));
  for (const { name } of extension.outputs) if (!own.has(name)) read.add(name);

  // Constants come along with the nodes that make them.
  const made = new Set<NodeProto>();
  const weights = new Set<string>();
  const bring = (name: string) => {
    const node = model.producer.get(name);
    if (!node) weights.add(name);
    else if (!made.has(node)) {
      made.add(node);
      node.input.filter(Boolean).forEach(bring);
    }
  };
  const residuals: string[] = [];
  for (const name of read) model.constants.has(name) ? bring(name) : residuals.push(name);

  const inputs = residuals.map((name) => {
    const tensor = tensors.get(name);
    return makeValueInfo(
      name,
      tensor?.type,
      tensor?.dims.map((d, i) => (d < 0 ? `${name}:${i}` : d)),
    );
  });
  const graph = makeGraph({
    name: "adjoint",
    node: [...model.graph.node.filter((node) => made.has(node)), ...extension.nodes],
    initializer: [...model.graph.initializer.filter(({ name }) => weights.has(name)), ...extension.initializers],
    sparseInitializer: model.graph.sparseInitializer.filter(({ values }) => values && weights.has(values.name)),
    input: [...inputs, ...extension.inputs],
    output: [...extension.outputs],
  });
  // Weights of an IR version below 4 must stand among the inputs too; what is written here has none of those.
  const irVersion = model.proto.irVersion < 4n ? 4n : model.proto.irVersion;
  const bytes = encodeModel(makeModel({ irVersion, opsetImport: model.proto.opsetImport, graph }));
  return { bytes, residuals };
}
