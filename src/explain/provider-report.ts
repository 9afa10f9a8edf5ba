/**
 * @file Which nodes ran on which execution provider. ONNX Runtime decides it when a session is made and its JavaScript has no call that
 * tells it, so a model is opened by a runtime that listens, and explained once.
 */
import type { MethodName } from "../methods/by-name.ts";
import { isStatic, product } from "../onnx/dims.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { changed, decodeModel, encodeModel } from "../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../onnx/runtime.ts";
import { typeName } from "../onnx/types.ts";
import { arrayOf } from "../onnx/zeros.ts";
import type { Explainer } from "./explainer.ts";
import type { Target } from "./target.ts";

/** A node as it ran, after the runtime's optimisations. */
export interface PlacedNode {
  /** Its name; of nodes that have none in the file, their first output. */
  readonly node: string;
  readonly operator: string;
  /** Whether it belongs to the gradient and the map, not to the model. */
  readonly gradient: boolean;
}

/** What a provider ran, in all sessions together: a node that two of them hold is counted in both. */
export interface ProviderNodes {
  /** As ONNX Runtime calls it: `CPUExecutionProvider`, `WebGpuExecutionProvider`. */
  readonly name: string;
  readonly count: number;
  /** Left out where the runtime tells no more than how many. */
  readonly nodes?: readonly PlacedNode[];
}

export interface ProviderReport {
  readonly method: MethodName;
  readonly providers: readonly ProviderNodes[];
}

/** What one session has on one provider. */
export interface Placement {
  readonly provider: string;
  readonly count: number;
  readonly nodes?: readonly { readonly node: string; readonly operator: string }[];
}

/** Explains a sample of made-up numbers and lets go of the model: then all its sessions can be told of. */
export async function tryOnce(ort: Runtime, explainer: Explainer, method: MethodName): Promise<void> {
  try {
    await explainer.explain(madeUp(ort, explainer), { method, target: askable(ort, explainer) });
  } finally {
    await explainer.release();
  }
}

/** The best class; the sum of all scores where they are no classes, as boxes and characters are none. */
function askable(ort: Runtime, { score, tensors }: Explainer): Target | undefined {
  const dims = (tensors.get(score.name)?.dims ?? []).map((d, axis) => (d < 0 && axis === 0 ? 1 : d));
  if (dims.slice(2).every((d) => d === 1) || !isStatic(dims)) return undefined;
  return { seeds: { [score.name]: new ort.Tensor("float32", new Float32Array(product(dims)).fill(1), dims) } };
}

/** Nodes under names, so that what has none in the file can be told too. */
export function withNodeNames(bytes: Uint8Array): Uint8Array {
  const proto = decodeModel(bytes);
  if (!proto.graph) return bytes;
  const node = proto.graph.node.map((one) =>
    one.name ? one : changed(one, { name: one.output.find((output) => output !== "") ?? "" }),
  );
  return encodeModel(changed(proto, { graph: changed(proto.graph, { node }) }));
}

export function providerReport({ model }: Explainer, method: MethodName, placements: readonly Placement[]) {
  const added = freshPrefix(model);
  const names = [...new Set(placements.map(({ provider }) => provider))];
  const providers = names.map((name): ProviderNodes => {
    const here = placements.filter(({ provider }) => provider === name);
    const nodes = here.flatMap((one) =>
      (one.nodes ?? []).map((of) => ({ ...of, gradient: of.node.startsWith(added) })),
    );
    const count = here.reduce((sum, one) => sum + one.count, 0);
    return { name, count, ...(nodes.length === count && { nodes }) };
  });
  return { method, providers } satisfies ProviderReport;
}

/** Pictures of 256 x 256 where the size is free, one of them; a ramp, of which no layer makes a plane. */
function madeUp(ort: Runtime, { model, tensors, reading }: Explainer): Feeds {
  const { name: picture, axes } = reading.explained ?? {};
  return Object.fromEntries(
    model.inputs.map(({ name }): [string, Tensor] => {
      const { type, dims } = typeOf(model, tensors, name);
      const size = (axis: number) =>
        name === picture && axis !== axes?.batch ? (axis === axes?.channels ? 3 : 256) : 1;
      const sizes = dims.map((d, axis) => (d < 0 ? size(axis) : d));
      const data = arrayOf(type, product(sizes), (i) => (i % 29) / 29);
      return [name, new ort.Tensor(typeName(type) as "float32", data as Float32Array, sizes)];
    }),
  );
}
