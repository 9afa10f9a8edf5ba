/**
 * @file Tensors of names that every object has, `__proto__` above all. ONNX Runtime's JavaScript hands tensors over as properties of
 * objects, and `__proto__` is no property: as an output it is fetched by another name. As an input it is handed in as a property of the
 * object's own.
 */
import { makeNode, makeValueInfo, type NodeProto, type ValueInfoProto } from "./proto.ts";

const unfetchable = "__proto__";
const alias = "gradcam/__proto__";

/** Those of a model's outputs that only an alias can be fetched of. */
export const needAlias = (names: readonly string[]): string[] => names.filter((name) => name === unfetchable);

/** What is added to a model, with aliases in the place of outputs that need one. */
export function aliased<
  E extends { readonly nodes: readonly NodeProto[]; readonly outputs: readonly ValueInfoProto[] },
>(extension: E): E {
  const { nodes, outputs } = extension;
  if (!outputs.some(({ name }) => name === unfetchable)) return extension;
  const others = outputs.filter(({ name }) => name !== unfetchable);
  return {
    ...extension,
    nodes: [...nodes, makeNode("Identity", [unfetchable], [alias])],
    outputs: [...others, makeValueInfo(alias)],
  };
}

/**
 * The names by which outputs are fetched. A session runs only if it is asked for all of its outputs whose names every object has
 * (`toString`): it takes an object's own function for a tensor to write to. Of `__proto__` it is asked in vain.
 */
export function fetchedAs(fetches: readonly string[], outputs: readonly string[]): readonly string[] {
  const asked = fetches.map((name) => (name === unfetchable && outputs.includes(alias) ? alias : name));
  return [...new Set([...asked, ...outputs.filter((name) => name in Object.prototype)])];
}

/** What was fetched, by the tensors' names. */
export function byName<T>(results: Readonly<Record<string, T>>): Record<string, T> {
  if (!Object.hasOwn(results, alias)) return results;
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name === alias ? unfetchable : name, value]),
  );
}
