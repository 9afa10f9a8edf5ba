/** @file What explains, fetched when the first model is opened for it: who only differentiates does without. */
import type { Runtime } from "../onnx/ort.ts";
import type { Explainer, OpenOptions } from "./explainer.ts";

/**
 * Opens a model for explanation.
 * @param bytes the ONNX file's.
 * @throws UserError when the file is no model, a name is wrong, or an operator behind the layer has no gradient rule.
 */
export const openExplainer = async (ort: Runtime, bytes: Uint8Array, options: OpenOptions = {}): Promise<Explainer> =>
  (await import("./explainer.ts")).openExplainer(ort, bytes, options);
