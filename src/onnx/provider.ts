/** @file Which execution providers a session is asked to run on, and whether they can run the model. */
import type { Observed } from "./bodies.ts";
import type { Runtime, SessionOptions } from "./ort.ts";
import { DataType } from "./proto.ts";

/** The names of the execution providers that are asked for. */
export const providersOf = ({ executionProviders = [] }: SessionOptions = {}): string[] =>
  executionProviders.map((one) => (typeof one === "string" ? one : one.name));

export const usesWebGpu = (options?: SessionOptions): boolean => providersOf(options).includes("webgpu");

/** The options that a model's sessions get, and why they are not those that were given. */
export interface Placed {
  readonly session: SessionOptions | undefined;
  readonly because?: string;
}

/**
 * Half precision on WebGPU wants an adapter with shaders for it; without, ONNX Runtime Web fails at whichever node comes first. So such a
 * model runs on the processor there.
 */
export async function placed(ort: Runtime, tensors: Observed, session: SessionOptions | undefined): Promise<Placed> {
  if (!session || !usesWebGpu(session) || !hasHalf(tensors)) return { session };
  const features = await (await import("./device.ts")).features(ort, session);
  if (!features || features.has("shader-f16")) return { session };
  const executionProviders = session.executionProviders?.filter(
    (one) => providersOf({ executionProviders: [one] })[0] !== "webgpu",
  );
  const because = "the model computes in half precision, for which this graphics adapter has no shaders (shader-f16)";
  return {
    session: { ...session, executionProviders: executionProviders?.length ? executionProviders : ["wasm"] },
    because,
  };
}

const hasHalf = (tensors: Observed): boolean =>
  [...tensors.values()].some(({ type }) => type === DataType.FLOAT16) ||
  [...tensors.bodies.values()].some((body) => hasHalf(body.tensors));
