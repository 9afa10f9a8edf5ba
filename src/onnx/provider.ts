/** @file Which execution providers a session is asked to run on, and whether they can run the model. */
import { expects, isTexts } from "../errors.ts";
import type { Observed } from "./bodies.ts";
import { type IndexedGraph, inputsOf } from "./model.ts";
import type { Runtime, SessionOptions } from "./ort.ts";
import { DataType, type NodeProto } from "./proto.ts";

/** The names of the execution providers that are asked for. @throws UserError `invalid-option` for what is no list of them. */
export function providersOf({ executionProviders = [] }: SessionOptions = {}): string[] {
  const names = Array.isArray(executionProviders) && executionProviders.map((one) => one?.name ?? one);
  expects(isTexts(names), "executionProviders", executionProviders, 'a list of names, as ["webgpu", "wasm"]');
  return names as string[];
}

export const usesWebGpu = (options?: SessionOptions): boolean => providersOf(options).includes("webgpu");

/** The options that a model's sessions get, and why they are not those that were given. */
export interface Placed {
  readonly session: SessionOptions | undefined;
  readonly because?: string;
}

/**
 * Half precision on WebGPU wants an adapter with shaders for it, and ONNX Runtime Web fails without at whichever node comes first; and of
 * convolutions over volumes it has none transposed, which their gradients are. So such models run on the processor.
 */
export async function placed(
  ort: Runtime,
  { graph }: Pick<IndexedGraph, "graph">,
  tensors: Observed,
  session: SessionOptions | undefined,
): Promise<Placed> {
  if (!session || !usesWebGpu(session)) return { session };
  const volumes = graph.node.some(
    ({ opType, input }) => /^Conv/.test(opType) && (tensors.get(input[1])?.dims.length ?? 0) > 4,
  );
  const half =
    computesInHalf({ graph }, tensors, session) && (await (await import("./device.ts")).features(ort, session));
  const because = volumes
    ? "WebGPU has no gradient of convolutions over volumes"
    : half && !half.has("shader-f16")
      ? "the model computes in half precision, for which this graphics adapter has no shaders (shader-f16)"
      : undefined;
  if (!because) return { session };
  const rest = session.executionProviders?.filter((one) => (typeof one === "string" ? one : one.name) !== "webgpu");
  return { session: { ...session, executionProviders: rest?.length ? rest : ["wasm"] }, because };
}

/**
 * Whether half precision is left once the runtime has folded constants: weights that are only stored so, and cast, it casts when a session
 * is made.
 */
function computesInHalf({ graph }: Pick<IndexedGraph, "graph">, tensors: Observed, options: SessionOptions): boolean {
  if (options.graphOptimizationLevel === "disabled") return hasHalf(tensors);
  const isHalf = (name: string) => tensors.get(name)?.type === DataType.FLOAT16;
  const fed = new Set(graph.input.map(({ name }) => name));
  for (const node of graph.node)
    if (inputsOf(node).some((name) => fed.has(name))) for (const name of node.output) fed.add(name);
  const computed = (node: NodeProto) => node.output.some((name) => fed.has(name));
  const inBodies = [...tensors.bodies.values()].some((body) => hasHalf(body.tensors));
  return inBodies || [...fed].some(isHalf) || graph.node.some((node) => computed(node) && inputsOf(node).some(isHalf));
}

const hasHalf = (tensors: Observed): boolean =>
  [...tensors.values()].some(({ type }) => type === DataType.FLOAT16) ||
  [...tensors.bodies.values()].some((body) => hasHalf(body.tensors));
