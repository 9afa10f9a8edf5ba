/**
 * @file What may be asked, for callers without types: a misspelt option would else do nothing, without a word. Tables of what fits stand
 * beside their types; one in which a name is missing does not compile.
 */
import type { Check, OptionNames } from "../errors.ts";
import { type OpenOptions, openNames } from "../explain/explainer.ts";
import type { MethodChoice } from "../methods/by-name.ts";
import type { GivenOptions } from "../methods/method.ts";

/** What all questions may say. */
export interface AskingOptions {
  /** One method or several; "grad-cam" by default. */
  readonly method?: MethodChoice | readonly MethodChoice[];
  /** Options of the methods, by name; of several methods, one belongs to those that have it. */
  readonly options?: GivenOptions;
  /** Explain what speaks against what is asked about. */
  readonly counterfactual?: boolean;
  /** Told the part of the work that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** What bounds the work. */
export interface BoundOptions {
  /** Bytes that a run may take, its weights included, by an estimate. */
  readonly maxMemory?: number;
  /** When `signal` ends a method that averages over samples: the estimate until then, marked `partial`, in place of an error. */
  readonly partial?: boolean;
}

export const boundOptions: OptionNames<BoundOptions> = {
  maxMemory: [(given) => given === undefined || Number(given) > 0, "a number of bytes above 0"],
  partial: true,
};

export const askingOptions: OptionNames<AskingOptions> = {
  method: [(method) => [method].flat().length > 0, "a name, or a list of them"],
  options: true,
  counterfactual: true,
  onProgress: [(given) => !given || typeof given === "function", "a function"],
  signal: [(given) => !given || typeof (given as AbortSignal).aborted === "boolean", "an AbortSignal"],
};

export const isText = (value: unknown): boolean => typeof value === "string";
export const isQuery = (value: unknown): boolean => isText(value) || typeof value === "number";

/** A list of what fits. */
export const listOf = (fits: (value: unknown) => boolean, example: string): Check => [
  (given) => Array.isArray(given) && given.every(fits),
  `a list, ${example}`,
];

/** Those of an explainer, of options for more. */
export const openOptions = (options: OpenOptions): OpenOptions =>
  Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(openNames, name)));

type Progress = (done: number) => void;

/** Works at one thing after the other; of the progress of all, one number is told, 0 to 1. */
export async function inSteps<T, R>(
  items: readonly T[],
  onProgress: Progress | undefined,
  work: (item: T, onProgress: Progress) => Promise<readonly R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (const [i, item] of items.entries()) {
    const part = (done: number) => onProgress?.((i + done) / items.length);
    results.push(...(await work(item, part)));
    part(1);
  }
  return results;
}
