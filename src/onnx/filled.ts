/** @file A model some of whose inputs are the same in every run, or follow from others: nodes of its own make them, and no caller feeds them. */
import { Builder, type Value } from "./build.ts";
import { freshPrefix, indexLazily, type Model } from "./model.ts";
import { changed, declaredDims, declaredType, makeNode, type ValueInfoProto } from "./proto.ts";

/**
 * @param values by the inputs' names; `inputOf` gives the others
 * @param more inputs that the values read and the model does not have
 */
export function filled(
  model: Model,
  values: Readonly<Record<string, (build: Builder, inputOf: (name: string) => Value) => Value>>,
  more: readonly ValueInfoProto[] = [],
): Model {
  const names = Object.keys(values);
  if (names.length === 0) return model;
  const build = new Builder(model.opset, freshPrefix(model));
  const inputOf = (name: string): Value => {
    const info = [...model.inputs, ...more].find((input) => input.name === name);
    const dims = info && declaredDims(info)?.map((d) => (typeof d === "number" && d > 0 ? d : -1));
    return { name, type: info ? declaredType(info) : 0, dims };
  };
  const made = names.map((name) => {
    const wanted = inputOf(name).type;
    return build.cast(values[name](build, inputOf), wanted);
  });
  const { nodes, initializers } = build.collect(made);
  const { graph, proto } = model;
  const written = changed(graph, {
    node: [...nodes, ...made.map((v, i) => makeNode("Identity", [v.name], [names[i]])), ...graph.node],
    initializer: [...graph.initializer, ...initializers],
    input: [...graph.input.filter(({ name }) => !names.includes(name)), ...more],
  });
  return indexLazily(changed(proto, { graph: written }));
}
