/** @file What the tests of browsers have done in a page. */
import * as gradcam from "../../src/index.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";

export interface Asked {
  /** The build of ONNX Runtime Web. */
  readonly build: string;
  readonly providers: readonly string[];
  readonly model: readonly number[];
  readonly x: {
    readonly type: "float32" | "float16";
    readonly data: readonly number[];
    readonly dims: readonly number[];
  };
}

export interface Told {
  readonly numbers?: readonly number[];
  readonly onProcessor?: string;
  readonly error?: string;
}

const devices: { destroy(): void }[] = [];
const { GPUAdapter } = globalThis as { GPUAdapter?: { prototype: { requestDevice(...a: unknown[]): Promise<never> } } };
if (GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    devices.push(device);
    return device;
  };
}

async function start({ build, providers, model, x }: Asked) {
  const ort: Runtime & { env: { logLevel: string; wasm: { numThreads: number } } } = await import(
    `${location.origin}/ort/${build}`
  );
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  const data = x.type === "float16" ? Uint16Array.from(x.data) : Float32Array.from(x.data);
  const feeds = { x: new ort.Tensor(x.type as "float32", data as Float32Array, x.dims) };
  return { ort, bytes: Uint8Array.from(model), feeds, session: { executionProviders: [...providers] } };
}

const failed = (error: unknown): Told => {
  const { code, message } = error as { code?: string; message: string };
  return { error: `${code}: ${message}` };
};

/** The gradient of the sum of y. */
async function gradient(asked: Asked): Promise<Told> {
  try {
    const { ort, bytes, feeds, session } = await start(asked);
    const { outputs } = await gradcam.vjp(ort, bytes, { feeds, seeds: {}, wrt: [], session });
    const ones = Float32Array.from({ length: outputs.y.size }, (_, i) => (i % 7) + 1);
    const seeds = { y: new ort.Tensor("float32", ones, outputs.y.dims) };
    const { gradients, onProcessor } = await gradcam.vjp(ort, bytes, { feeds, seeds, wrt: ["x"], session });
    return { numbers: Array.from(gradients.x.data as Float32Array), ...(onProcessor && { onProcessor }) };
  } catch (error) {
    return failed(error);
  }
}

/** Grad-CAM of class 1: before all devices are destroyed, after, and of another explainer. */
async function lose(asked: Asked): Promise<Told[]> {
  const { ort, bytes, feeds, session } = await start(asked);
  const map = async (explainer: gradcam.Explainer): Promise<Told> => {
    const { maps } = await explainer.explain(feeds, { target: 1 });
    return { numbers: Array.from(maps.data as Float32Array) };
  };
  const first = await gradcam.openExplainer(ort, bytes, { session });
  const before = await map(first);
  for (const device of devices) device.destroy();
  const after = await map(first).catch(failed);
  const again = await gradcam.openExplainer(ort, bytes, { session }).then(map).catch(failed);
  return [before, after, again];
}

const inPage = { gradient, lose };
export type InPage = typeof inPage;
Object.assign(globalThis, { inPage });
