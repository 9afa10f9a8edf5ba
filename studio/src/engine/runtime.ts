/** @file ONNX Runtime in the worker: WebGPU where there is one, WebAssembly where not; one run at a time. */

import { UserError } from "gradcam";
import { download, type WebRuntime } from "gradcam/web";
import type { InferenceSession } from "onnxruntime-common";
import type { Backend, Progress } from "./contract.ts";
import { shareOf } from "./contract.ts";

interface OrtModule extends WebRuntime {
  readonly env: WebRuntime["env"] & {
    logLevel: string;
    wasm: { numThreads: number; wasmPaths: string; wasmBinary: Uint8Array };
    webgpu?: { readonly device?: { readonly lost: Promise<{ readonly message: string }> } };
  };
}

/** What each provider loads; the names are those of onnxruntime-web's files. */
const builds = {
  wasm: { script: "ort.wasm.min.mjs", binary: "ort-wasm-simd-threaded.wasm" },
  webgpu: { script: "ort.webgpu.min.mjs", binary: "ort-wasm-simd-threaded.asyncify.wasm" },
} as const;

export interface StartedRuntime {
  readonly ort: WebRuntime;
  readonly backend: Backend;
  readonly session: InferenceSession.SessionOptions;
}

/**
 * Loads the runtime.
 * @param base where the studio's files are
 * @throws UserError where the browser is too old, or files are missing
 */
export async function startRuntime(
  base: string,
  prefer: Backend["provider"] | undefined,
  { onProgress, onNotKept }: { onProgress: (progress: Progress) => void; onNotKept: () => void },
): Promise<StartedRuntime> {
  if (!WebAssembly.validate(simd))
    throw new UserError(
      "unsupported-operator",
      "unsupported browser: it has no WebAssembly SIMD, without which networks would take minutes",
    );
  const gpu = prefer === "wasm" ? undefined : await adapter(prefer === "webgpu");
  const provider = gpu ? "webgpu" : "wasm";
  // Browsers count hyperthreads, and the page needs a core too: with more threads than free cores each layer waits for the slowest.
  const threads = self.crossOriginIsolated ? Math.min(4, Math.ceil((navigator.hardwareConcurrency ?? 1) / 2)) : 1;
  const { script, binary } = builds[provider];
  const place = new URL("ort/", base).href;
  const sums = await download(new URL("SHA256SUMS", place).href, undefined);
  const sha256 = new RegExp(`^(\\w{64}) [ *]${binary}$`, "m").exec(new TextDecoder().decode(sums))?.[1];
  const what = "Fetching the engine";
  const wasm = await download(place + binary, sha256, {
    onProgress: (done, of) => onProgress({ done: shareOf(done, of), what }),
    onNotKept,
  });
  if (!wasm) throw new UserError("missing-file", `missing file: ${binary} is not where the studio is served from`);
  const ort: OrtModule = await import(/* @vite-ignore */ place + script);
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = place;
  ort.env.wasm.wasmBinary = wasm;
  const note = prefer === "webgpu" && !gpu ? "this browser offers no WebGPU" : undefined;
  return {
    ort: oneAtATime(ort),
    backend: { provider, threads, ...(note && { note }) },
    session: { executionProviders: provider === "webgpu" ? ["webgpu", "wasm"] : ["wasm"] },
  };
}

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
  readonly isFallbackAdapter?: boolean;
}

/** One in software is slower than WebAssembly: it is for who asks for it. */
async function adapter(asked: boolean): Promise<Adapter | undefined> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  const found = await gpu?.requestAdapter().catch(() => undefined);
  const software = found?.info?.isFallbackAdapter ?? found?.isFallbackAdapter;
  return found && (asked || !software) ? found : undefined;
}

/** A module with one instruction of 128 bits: what `wasm-feature-detect` asks of a browser. */
const simd = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/**
 * Runs wait for each other, and before each the worker reads its messages: a run blocks it, and would else block those that end or
 * replace what it works at. Where the graphics device is lost, all fail that come after: a session that is made later would have another
 * device, and nobody would be told.
 */
function oneAtATime(ort: OrtModule): WebRuntime {
  let turn: Promise<unknown> = Promise.resolve();
  let lost: UserError | undefined;
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(breath).then(() => {
      if (lost) throw lost;
      return work();
    });
    turn = result.catch(() => undefined);
    return result;
  };
  const { create } = ort.InferenceSession;
  let held = 0;
  const waiting = async (...given: unknown[]) => {
    const session = await queued(() => create.apply(ort.InferenceSession, given as Parameters<typeof create>));
    held++;
    const { device } = ort.env.webgpu ?? {};
    void device?.lost.then(({ message }) => {
      // The runtime itself ends a device with the last session that has it.
      if (held && ort.env.webgpu?.device === device) lost = new UserError("device-lost", `lost device: ${message}`);
    });
    const [run, release] = [session.run.bind(session), session.release.bind(session)];
    session.run = (...fed: unknown[]) => queued(() => run(...(fed as Parameters<typeof run>)));
    session.release = () => {
      held--;
      return release();
    };
    return session;
  };
  return { env: ort.env, Tensor: ort.Tensor, InferenceSession: { create: waiting as typeof create } };
}

const { port1, port2 } = new MessageChannel();
let waiting: (() => void)[] = [];
port1.onmessage = () => {
  const all = waiting;
  waiting = [];
  for (const resume of all) resume();
};

/** A turn of the event loop. */
const breath = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });
