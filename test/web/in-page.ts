/** @file What the tests of browsers have done in a page. */
import { halfToNumber } from "../../src/array/half.ts";
import * as gradcam from "../../src/index.ts";

import type { Runtime } from "../../src/onnx/runtime.ts";
import { type ProviderReport, providerReport } from "../../src/web/provider-report.ts";
import type { WebRuntime } from "../../src/web/runtime.ts";

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

/** A tensor as it goes to the page and back. */
export interface Plain {
  readonly type: string;
  readonly data: readonly number[];
  readonly dims: readonly number[];
}

type Plains = Readonly<Record<string, Plain>>;

export interface AskedCase {
  readonly build: string;
  readonly providers: readonly string[];
  readonly model: string;
  readonly feeds: Plains;
  readonly seeds: Plains;
  readonly image: string;
  readonly output: string;
  readonly layer: string;
  readonly rules: readonly ("guided" | "deconv")[];
  /** Besides the seeds. */
  readonly classes?: readonly number[];
}

const devices: GPUDevice[] = [];
if (typeof GPUAdapter !== "undefined") {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    devices.push(device);
    return device;
  };
}

async function runtimeOf(build: string) {
  const ort: Runtime & { env: { logLevel: string; wasm: { numThreads: number } } } = await import(
    `${location.origin}/ort/${build}`
  );
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  return ort;
}

async function start({ build, providers, model, x }: Asked) {
  const ort = await runtimeOf(build);
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

/** Which nodes run where: asked at once, again, and after a session that nobody listened to. */
async function placed(asked: Asked, before: boolean): Promise<(ProviderReport | Told)[]> {
  const { ort, bytes, session } = await start(asked);
  if (before) await (await ort.InferenceSession.create(bytes, session)).release();
  const report = () =>
    providerReport(bytes, { ort: ort as unknown as WebRuntime, session, cache: false }).catch(failed);
  return [await report(), await report()];
}

type Gpu = "createBuffer" | "submit" | "getMappedRange" | "mapAsync" | "dispatchWorkgroups";

/** What is asked while a call of WebGPU throws, once, and what is asked after. */
async function stumble(asked: Asked, at: Gpu, within: number): Promise<Told[]> {
  const { ort, bytes, feeds, session } = await start(asked);
  const first = await gradcam.openExplainer(ort, bytes, { session });
  const bounded = async (answer: Promise<gradcam.Explained>): Promise<Told> => {
    const late = new Promise<Told>((resolve) => setTimeout(() => resolve({ error: "it hangs" }), within));
    const told = answer.then(({ maps }) => ({ numbers: Array.from(maps.data as Float32Array) })).catch(failed);
    return Promise.race([told, late]);
  };
  const holders = [GPUDevice, GPUQueue, GPUBuffer, GPUComputePassEncoder].map(({ prototype }) => prototype);
  const holder = holders.find((one) => at in one) as unknown as Record<Gpu, () => unknown>;
  const right = holder[at];
  holder[at] = () => {
    holder[at] = right;
    throw new TypeError("made up");
  };
  const during = await bounded(first.explain(feeds, { target: 1 }));
  holder[at] = right;
  const after = await bounded(first.explain(feeds, { target: 1 }));
  const again = await bounded(
    gradcam.openExplainer(ort, bytes, { session }).then((one) => one.explain(feeds, { target: 1 })),
  );
  await first.release();
  return [during, after, again];
}

const arrays = { float32: Float32Array, float16: Uint16Array, int32: Int32Array, bool: Uint8Array, uint8: Uint8Array };

/** All that a reference case has references of, by what it is. */
async function conform(asked: AskedCase): Promise<Record<string, Plain[]>> {
  const ort = await runtimeOf(asked.build);
  const session = { executionProviders: [...asked.providers] };
  const bytes = new Uint8Array(await (await fetch(asked.model)).arrayBuffer());
  const tensors = (plains: Plains) =>
    Object.fromEntries(
      Object.entries(plains).map(([name, { type, data, dims }]) => {
        const made =
          type === "int64"
            ? BigInt64Array.from(data, BigInt)
            : arrays[type as keyof typeof arrays].from(data as number[]);
        return [name, new ort.Tensor(type as "float32", made as Float32Array, dims)];
      }),
    );
  const [feeds, seeds] = [tensors(asked.feeds), tensors(asked.seeds)];
  const plain = ({ type, data, dims }: { type: string; data: unknown; dims: readonly number[] }): Plain => ({
    ...{ type, dims },
    data: Array.from(data as Float32Array, type === "float16" && data instanceof Uint16Array ? halfToNumber : Number),
  });
  const { image, layer, output } = asked;
  const { outputs, gradients } = await gradcam.vjp(ort, bytes, { feeds, seeds, wrt: [image, layer], session });
  const told: Record<string, Plain[]> = {
    output: [plain(outputs[output])],
    activation_gradient: [plain(gradients[layer])],
    input_gradient: [plain(gradients[image])],
  };
  for (const rules of asked.rules)
    told[rules] = [
      plain((await gradcam.vjp(ort, bytes, { feeds, seeds, wrt: [image], rules, session })).gradients[image]),
    ];
  const explainer = await gradcam.openExplainer(ort, bytes, { output, layer, session });
  told.grad_cam = [plain((await explainer.explain(feeds, { target: { seeds } })).maps)];
  if (asked.classes && !explainer.score.before)
    told.grad_cam.push(plain((await explainer.explain(feeds, { target: [...asked.classes] })).maps));
  await explainer.release();
  return told;
}

const inPage = { gradient, lose, conform, placed, stumble };
export type InPage = typeof inPage;
Object.assign(globalThis, { inPage });
