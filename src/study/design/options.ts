/** @file What a study is designed from. */
import type { Mapping } from "../../evaluate/datasets/class-maps.ts";
import type { LoadOptions } from "../../node/load.ts";
import type { KindName } from "../study.ts";

export interface DesignOptions {
  readonly kind: KindName;
  readonly dataset: string;
  /** One model, or two for a study of trust; undefined is the bundled classifier. */
  readonly models: readonly (string | undefined)[];
  readonly load: LoadOptions;
  readonly methods?: readonly string[];
  readonly format?: string;
  readonly mapping?: Mapping;
  /** How many of the dataset's pictures are used for trials. */
  readonly pictures: number;
  readonly ratings: number;
  readonly trials: number;
  readonly seed: number;
  readonly consent: readonly string[];
  readonly gradcam: string;
  readonly onProgress?: (progress: { readonly what: string; readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}
