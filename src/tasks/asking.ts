/**
 * @file Whether what is asked is what may be asked, for callers without types: a misspelt option would else do nothing, without a word. The
 * tables of names stand beside their types; one in which a name is missing does not compile.
 */
import { expects } from "../errors.ts";
import type { OpenOptions } from "../explain/explainer.ts";
import type { MethodChoice } from "../methods/define.ts";

/** What all questions may say. */
export interface AskingOptions {
  /** One method or several; "grad-cam" by default. */
  readonly method?: MethodChoice | readonly MethodChoice[];
  /** Explain what speaks against what is asked about. */
  readonly counterfactual?: boolean;
  /** Told the part of the work that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export const askingNames = { method: true, counterfactual: true, onProgress: true, signal: true } as const;

/** Those of an explainer, of options for more. */
export const openOptions = (options: OpenOptions): OpenOptions => {
  const { output, explainInput, layout, layer, tokens, inputShapes, session, keep } = options;
  return { output, explainInput, layout, layer, tokens, inputShapes, session, keep };
};

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

/** @throws UserError `invalid-option` */
export function checkAsking({ method, onProgress, signal }: AskingOptions): void {
  expects(method === undefined || [method].flat().length > 0, "method", method, "a name, or a list of them");
  expects(!onProgress || typeof onProgress === "function", "onProgress", onProgress, "a function");
  expects(!signal || typeof signal.aborted === "boolean", "signal", signal, "an AbortSignal");
}

export const isText = (value: unknown): boolean => typeof value === "string";
export const isQuery = (value: unknown): boolean => isText(value) || typeof value === "number";

export function checkList(given: unknown, name: string, example: string, fits: (value: unknown) => boolean): void {
  const fitting = given === undefined || (Array.isArray(given) && given.every(fits));
  expects(fitting, name, given, `a list, ${example}`);
}
