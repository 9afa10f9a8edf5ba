/**
 * @file What of an adjoint is the same whatever it is asked (slopes of activations, weights of samples, transposed matrices), apart from the
 * rest: made once of a forward pass, and not for every question again.
 */
import type { Extension } from "../onnx/append.ts";
import type { Made } from "../onnx/build.ts";
import { isStatic } from "../onnx/dims.ts";
import { readsOf } from "../onnx/extract.ts";
import { inputsOf, type Model } from "../onnx/model.ts";
import type { TensorType } from "../onnx/observe.ts";
import { infoOf, type NodeProto } from "../onnx/proto.ts";
import { hasArray } from "../onnx/types.ts";

/** What is made once: of tensors of the forward pass, others that the rest of the adjoint reads. */
export interface Once {
  readonly extension: Extension;
  readonly residuals: readonly string[];
  readonly made: ReadonlyMap<string, TensorType>;
}

/** They make much of little, or nothing new: not worth handing over. */
const light = new Set("Expand Tile ConstantOfShape OneHot Reshape Unsqueeze Squeeze Identity Shape Size".split(" "));

/**
 * @param seeds the names of what is fed with every question
 * @returns undefined where there is nothing to make in advance
 */
export function madeOnce(
  model: Model,
  extension: Extension,
  seeds: readonly string[],
  made: Iterable<Made>,
): { readonly once: Once; readonly each: Extension } | undefined {
  const { nodes } = extension;
  const { residuals } = readsOf(model, extension);
  const asked = reached(nodes, seeds);
  const seen = reached(nodes, residuals);
  const types = new Map(
    [...made].flatMap(({ outputs }) => outputs).map(({ name, type, dims }) => [name, { type, dims }]),
  );
  // What is read by nodes that depend on a question, and made by such as do not.
  const handed = new Set<string>();
  const again = new Set(nodes.filter((node) => node.output.some((name) => asked.has(name))));
  const reads = new Set([...[...again].flatMap(inputsOf), ...extension.outputs.map(({ name }) => name)]);
  for (const node of nodes.toReversed()) {
    const read = node.output.filter((name) => reads.has(name));
    if (again.has(node) || read.length === 0) continue;
    const isSame = node.output.some((name) => seen.has(name));
    if (isSame && !light.has(node.opType) && read.every((name) => hasArray(types.get(name)?.type ?? 0)))
      for (const name of read) handed.add(name);
    else {
      again.add(node);
      for (const name of inputsOf(node)) reads.add(name);
    }
  }
  if (handed.size === 0) return undefined;
  const known = [...handed].map((name): [string, TensorType] => {
    const { type = 1, dims } = types.get(name) ?? {};
    return [name, { type, dims: dims && isStatic(dims) ? dims : undefined, perImage: false } as TensorType];
  });
  const outputs = known.map(([name, tensor]) => infoOf({ name, ...tensor }));
  const once = needed({ ...extension, inputs: [], outputs });
  const each = needed({ ...extension, nodes: nodes.filter((node) => again.has(node)) });
  return { once: { extension: once, residuals: readsOf(model, once).residuals, made: new Map(known) }, each };
}

/** What depends on some tensors. */
function reached(nodes: readonly NodeProto[], from: readonly string[]): Set<string> {
  const found = new Set(from);
  for (const node of nodes)
    if (inputsOf(node).some((name) => found.has(name))) for (const name of node.output) if (name) found.add(name);
  return found;
}

/** As much of an extension as its outputs need. */
function needed(extension: Extension): Extension {
  const names = new Set(extension.outputs.map(({ name }) => name));
  const nodes = extension.nodes
    .toReversed()
    .filter((node) => {
      const isNeeded = node.output.some((name) => names.has(name));
      if (isNeeded) for (const name of inputsOf(node)) names.add(name);
      return isNeeded;
    })
    .toReversed();
  return { ...extension, nodes, initializers: extension.initializers.filter(({ name }) => names.has(name)) };
}
