/**
 * @file The adjoint as a model of its own: only the added nodes, and the constants they read. What they need of the forward
 * pass (the residuals) become inputs, so that the forward pass runs once and its explanation as often as it is asked.
 */
import type { Extension } from "./append.ts";
import { constantParts, inputsOf, type Model } from "./model.ts";
import type { Observed } from "./observe.ts";
import { encodeModel, infoOf, makeGraph, makeModel } from "./proto.ts";

/** The tensors of a model that an extension reads: constants of the model, and what its forward pass must hand over. */
export function readsOf(model: Model, { nodes, initializers, inputs, outputs }: Extension) {
  const own = new Set([
    ...nodes.flatMap(({ output }) => output),
    ...[...initializers, ...inputs].map(({ name }) => name),
  ]);
  const read = new Set([...nodes.flatMap(inputsOf), ...outputs.map(({ name }) => name)]);
  const foreign = [...read].filter((name) => name && !own.has(name));
  return {
    constants: foreign.filter((name) => model.constants.has(name)),
    residuals: foreign.filter((name) => !model.constants.has(name)),
  };
}

/** The bytes of a model that holds only an extension, the constants it reads and the nodes that make them. */
export function extract(model: Model, tensors: Observed, extension: Extension): Uint8Array {
  const { constants, residuals } = readsOf(model, extension);
  const { nodes, weights } = constantParts(model, constants);

  const inputs = residuals.map((name) => infoOf({ name, ...tensors.get(name) }));
  const graph = makeGraph({
    name: "adjoint",
    node: [...nodes, ...extension.nodes],
    initializer: [...model.graph.initializer.filter(({ name }) => weights.has(name)), ...extension.initializers],
    sparseInitializer: model.graph.sparseInitializer.filter(({ values }) => values && weights.has(values.name)),
    input: [...inputs, ...extension.inputs],
    output: [...extension.outputs],
  });
  // Weights of an IR version below 4 must stand among the inputs too; what is written here has none of those.
  const irVersion = model.proto.irVersion < 4n ? 4n : model.proto.irVersion;
  return encodeModel(makeModel({ irVersion, opsetImport: model.proto.opsetImport, graph }));
}
