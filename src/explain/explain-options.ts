/** @file What is asked of an explainer, and what it answers. */
import type { OptionNames } from "../errors.ts";
import type { MethodChoice } from "../methods/by-name.ts";
import type { GivenOptions } from "../methods/method.ts";
import type { Tensor } from "../onnx/runtime.ts";
import type { Target } from "./target.ts";

export interface ExplainOptions {
  readonly target?: Target;
  /** "grad-cam" by default. */
  readonly method?: MethodChoice;
  /** Options of the method, by name. */
  readonly options?: GivenOptions;
  readonly layer?: string;
  /** Explanations in one run at most, where a run can answer several; by default as many as need 128 MB in the backward pass. */
  readonly maxRows?: number;
  /** Bytes that a run may take, its weights included, by an estimate: batches are made smaller, and what is too large for any is refused. */
  readonly maxMemory?: number;
  /** When `signal` ends a method that averages over samples: its estimate from those that are done, marked `partial`, in place of an error. */
  readonly partial?: boolean;
  /** Called with the share of the work that is done, 0 to 1, by methods of many runs. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export const forwardOptions: OptionNames<Omit<ExplainOptions, "layer">> = {
  ...{ target: true, method: true, options: true, maxRows: true, onProgress: true, signal: true },
  ...{ maxMemory: true, partial: true },
};

export const explainOptions: OptionNames<ExplainOptions> = { ...forwardOptions, layer: true };

/** Maps of m = n k explanations, image-major. */
export interface Explained {
  /** float32 [m, ...grid]: raw, neither normalised nor resized. */
  readonly maps: Tensor;
  /** For methods in pixel space: the signed image, float32 [m, C, ...], channels first whatever the layout of the input. */
  readonly pixels?: Tensor;
  /** The model's outputs. */
  readonly outputs: Record<string, Tensor>;
  /** Whether it was cancelled, and these are the maps of the samples until then. */
  readonly partial?: true;
  /** The target layer; undefined for methods in pixel space. */
  readonly layer?: string;
}
