/** @file The ONNX Runtime of browsers, loaded when it is first needed. */
import { missingPackage } from "../errors.ts";
import { providersOf } from "../onnx/provider.ts";
import type { Runtime, SessionOptions } from "../onnx/runtime.ts";

/** `onnxruntime-web` in any of its builds. */
export interface WebRuntime extends Runtime {
  readonly env: { readonly versions: { readonly common: string; readonly web?: string } };
}

/**
 * The build for WebAssembly is half as large as those that have other providers too, so that is taken unless one of them is asked for.
 * @throws UserError `missing-package` with the line that installs it.
 */
export async function loadRuntime(session?: SessionOptions): Promise<WebRuntime> {
  const plain = providersOf(session).every((name) => name === "wasm" || name === "cpu");
  try {
    return (await (plain ? import("onnxruntime-web/wasm") : import("onnxruntime-web/webgpu"))) as WebRuntime;
  } catch (cause) {
    throw missingPackage(["onnxruntime-web"], "which runs networks in the browser", cause);
  }
}
