/** @file Compiled adjoints as sessions: alone, fed what they read of the forward pass, or together with the model. */
import type { Dense } from "../array/dense.ts";
import { type Adjoint, fetching, type ObservedModel } from "../autodiff/adjoint.ts";
import { present, UserError } from "../errors.ts";
import { type Extension, openExtended } from "../onnx/append.ts";
import { extract } from "../onnx/extract.ts";
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import {
  type Feeds,
  openSession,
  overPreset,
  type Runtime,
  run,
  type Session,
  type SessionOptions,
  type Tensor,
} from "../onnx/runtime.ts";
import { tensorOf, tensorsOf, toDense } from "../onnx/tensors.ts";
import { quiet } from "./sessions.ts";

/** A session that answers seeds: an adjoint alone, or with the model. */
export interface AdjointSession extends Omit<Adjoint, "extension" | "once"> {
  readonly session: Session;
  /** What makes some of what it reads, once for all questions about a forward pass. */
  readonly before?: Before;
}

interface Before {
  readonly session: Session;
  /** What it reads of the forward pass, and what it makes. */
  readonly residuals: readonly string[];
  readonly outputs: readonly string[];
}

/** Only what lies behind a layer, backwards: it runs in turn with the forward pass. */
export async function openAlone(
  ort: Runtime,
  { model, tensors }: ObservedModel,
  { extension, once, ...adjoint }: Adjoint,
  options: SessionOptions,
): Promise<AdjointSession> {
  const open = (part: Extension, known: Observed) =>
    openSession(ort, extract(model, known, part), overPreset(quiet, options), model);
  // Of an adjoint all of which depends on the question nothing is made before.
  if (!once || once.made.size === 0) return { ...adjoint, session: await open(extension, tensors) };
  const { residuals, made } = once;
  const both: Observed = Object.assign(new Map([...tensors, ...made]), { bodies: tensors.bodies });
  const before = { residuals, outputs: [...made.keys()], session: await open(once.extension, tensors) };
  return { ...adjoint, before, session: await open(extension, both) };
}

/** The tensors of a forward pass that an adjoint reads, or what is made for it first. */
export function neededBy({ residuals, before }: AdjointSession): string[] {
  if (!before) return [...residuals];
  return [...before.residuals, ...residuals.filter((name) => !before.outputs.includes(name))];
}

/** What an adjoint reads beside its seeds, of the tensors of a forward pass. */
export async function readBy({ residuals, before }: AdjointSession, tensors: Feeds): Promise<Feeds> {
  if (!before) return tensorsOf(tensors, residuals);
  const made = await run(before.session, tensorsOf(tensors, before.residuals), before.outputs);
  return tensorsOf({ ...tensors, ...made }, residuals);
}

/** The model and its adjoint, with more of its tensors as outputs. */
export async function openTogether(
  ort: Runtime,
  model: Model,
  { extension, once: _, ...adjoint }: Adjoint,
  options: SessionOptions,
  wanted: readonly string[] = [],
): Promise<AdjointSession> {
  const added = fetching(model, wanted, extension);
  return { ...adjoint, session: await openExtended(ort, model.bytes, added, options) };
}

/** Runs an adjoint on what it reads and its seeds. */
export async function ask(
  { session, seeds, outputs }: AdjointSession,
  feeds: Feeds,
  given: readonly Tensor[],
  wanted: readonly string[] = [],
): Promise<{ readonly answer: Dense; readonly results: Record<string, Tensor> }> {
  const fed = Object.fromEntries(seeds.map((name, i) => [name, present(given[i], "a seed")]));
  const output = present(outputs[0], "the map");
  const results = await run(session, { ...feeds, ...fed }, [output, ...wanted]);
  return { answer: toDense(tensorOf(results, output)), results };
}

/** Whether an adjoint could not be compiled since an operator on the way has no rule. */
export const hasNoRule = (error: unknown): boolean =>
  error instanceof UserError && error.code === "unsupported-operator";
