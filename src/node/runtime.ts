/** @file The ONNX Runtime of Node, loaded when it is first needed. */
import { UserError } from "../errors.ts";
import type { Runtime } from "../onnx/runtime.ts";

/** @throws UserError `missing-package` with the line that installs it. */
export async function loadRuntime(): Promise<Runtime & { readonly version: string }> {
  try {
    const { default: ort } = await import("onnxruntime-node");
    ort.env.logLevel = "error";
    return {
      InferenceSession: ort.InferenceSession,
      Tensor: ort.Tensor,
      version: ort.env.versions.node ?? ort.env.versions.common,
    };
  } catch (cause) {
    throw new UserError(
      "missing-package",
      "missing package: onnxruntime-node is not installed or does not load; run: npm i onnxruntime-node",
      { cause },
    );
  }
}
