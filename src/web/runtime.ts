/** @file The ONNX Runtime of browsers, loaded when it is first needed. */
import { missingPackage } from "../errors.ts";
import type { Runtime } from "../onnx/runtime.ts";

/** `onnxruntime-web` in any of its builds. */
export interface WebRuntime extends Runtime {
  readonly env: { readonly versions: { readonly common: string; readonly web?: string } };
}

/** @throws UserError `missing-package` with the line that installs it. */
export async function loadRuntime(): Promise<WebRuntime> {
  try {
    return (await import("onnxruntime-web")) as WebRuntime;
  } catch (cause) {
    throw missingPackage(["onnxruntime-web"], "which runs networks in the browser", cause);
  }
}
