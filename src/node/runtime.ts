/** @file The ONNX Runtime of Node, loaded when it is first needed. */
import { firstLine, isAbsent, UserError } from "../errors.ts";
import type { Runtime } from "../onnx/runtime.ts";

export interface NodeRuntime extends Runtime {
  readonly version: string;
  /** The execution providers that this build knows. */
  readonly providers: readonly string[];
}

/** @throws UserError `missing-package` with the line that installs it. */
export async function loadRuntime(): Promise<NodeRuntime> {
  try {
    const { default: ort } = await import("onnxruntime-node");
    ort.env.logLevel = "fatal";
    return {
      InferenceSession: ort.InferenceSession,
      Tensor: ort.Tensor,
      version: ort.env.versions.node ?? ort.env.versions.common,
      providers: ort.listSupportedBackends().map(({ name }) => name),
    };
  } catch (cause) {
    const reason = isAbsent(["onnxruntime-node"], cause)
      ? "is not installed; run: npm i onnxruntime-node, or ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node where its install " +
        "script cannot reach out, for which npm leaves it out without a word"
      : `does not load: ${firstLine(cause)}`;
    throw new UserError("missing-package", `missing package: onnxruntime-node ${reason}`, { cause });
  }
}
