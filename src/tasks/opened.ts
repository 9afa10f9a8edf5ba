/** @file An open model and how it was read, from the parts that it comes in; nothing is asked of it yet. */
import { type Notes, notesOf, originalBytes } from "../explain/compiled.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import type { Runtime } from "../onnx/runtime.ts";
import type { TokenGrid } from "../read/layout.ts";
import { openOptions } from "./asking.ts";
import type { ModelOptions, ModelParts } from "./open.ts";
import { noted } from "./preparation.ts";
import { type ModelReading, readingOf } from "./reading.ts";

export interface OpenModel {
  readonly explainer: Explainer;
  readonly reading: ModelReading;
  /** What the file says of itself where it was compiled. */
  readonly notes: Notes | undefined;
}

/** @throws UserError for what is no model, names that it does not have, and broken configurations. */
export async function openParts(ort: Runtime, parts: ModelParts, options: ModelOptions): Promise<OpenModel> {
  const { name, file, model, config, stated, labels, labelsFrom } = parts;
  const notes = notesOf(model);
  // A compiled model is asked as the model that it was: its own explanation need not run.
  const bytes = (notes && originalBytes(model, notes)) ?? model.bytes;
  const explainer = await openExplainer(ort, bytes, {
    ...openOptions(options),
    output: options.output ?? notes?.output,
    layer: options.layer ?? (options.output === undefined ? notes?.layer : undefined),
    tokens: options.tokens ?? (noted(notes, "tokens", file) as TokenGrid | undefined),
    // What ONNX Runtime would print comes as an exception too, and is told in one line.
    session: { logSeverityLevel: 4, ...options.session },
  });
  const said = { ...options, name, labels, labelsFrom, config, stated, notes, file };
  return orRelease(explainer, () => ({ explainer, reading: readingOf(explainer, said), notes }));
}

/** What comes of an open model, which is released where nothing does. */
export async function orRelease<T>(
  open: { readonly release: () => Promise<void> },
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await open.release();
    throw error;
  }
}
