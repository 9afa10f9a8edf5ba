/** @file Explanations of what is asked about elements of a model's tensors: boxes, pixels and masks, by one method or several. */
import type { ElementAnswer, ElementPass, ElementQuestion } from "../explain/elements.ts";
import type { MethodName } from "../methods/by-name.ts";
import { methodsOf } from "../methods/define.ts";
import type { Method, Sign } from "../methods/method.ts";
import { optionsFor, ownOptions } from "../methods/options.ts";
import type { Warning } from "../read/decision.ts";
import { type AskingOptions, type BoundOptions, inSteps } from "./asking.ts";
import type { ExplainedClass } from "./classify/explanations.ts";
import type { ClassExplanation } from "./classify/kinds.ts";
import type { PicturePlace, PictureSubject } from "./pictures.ts";
import type { Placements } from "./placing.ts";
import { type ByMethod, type RawMap, type Remarks, withRemarks } from "./raw-map.ts";
import type { PreparedSample } from "./sample.ts";

/** One question, with all that is said of it. */
export interface AskedElements extends Omit<ExplainedClass, keyof RawMap | keyof ByMethod | keyof Remarks> {
  readonly about: ElementQuestion;
  /** By what it is explained where nobody says. */
  readonly method: MethodName;
  readonly warnings: readonly Warning[];
}

export interface ElementCircumstances {
  readonly sample: PreparedSample<PictureSubject, PicturePlace>;
  readonly places: Placements;
  /** What a reader of any of the model's explanations must know. */
  readonly warnings: readonly Warning[];
}

/** Explains by every method in turn; each question by its own where none is said. */
export async function explainElements(
  pass: ElementPass,
  asked: readonly AskedElements[],
  { method, options, onProgress, signal, maxMemory, partial }: AskingOptions & BoundOptions,
  { sample, places, warnings }: ElementCircumstances,
): Promise<ClassExplanation[]> {
  const ways =
    method === undefined ? await byOwn(asked) : (await methodsOf(method)).map((one) => ({ method: one, asked }));
  optionsFor(
    ways.map((way) => way.method),
    options,
  );
  const answers = await inSteps(ways, onProgress, async (way, part) => {
    if (partial && signal?.aborted) return [];
    const questions = way.asked.map(({ about }) => about);
    const found = await pass.explain(questions, {
      ...{ method: way.method, options: ownOptions(way.method, options) },
      ...{ onProgress: part, signal, maxMemory, partial },
    });
    return way.asked.map((one, i) => answered(one, way.method, found[i] as ElementAnswer, warnings, options?.sign));
  });
  const order = new Map(asked.map((one, i) => [one.target, i]));
  const sorted =
    method === undefined
      ? answers.toSorted((a, b) => (order.get(a.target) ?? 0) - (order.get(b.target) ?? 0))
      : answers;
  return Promise.all(sorted.map(async (answer) => sample.lay(answer, await places.of(answer.layer))));
}

/** The methods that the questions have of their own, each with its questions. */
async function byOwn(asked: readonly AskedElements[]) {
  const names = [...new Set(asked.map(({ method }) => method))];
  const methods = await methodsOf(names.length ? names : "grad-cam");
  return methods.map((method) => ({
    method,
    asked: asked.filter((one) => one.method === method.name),
  }));
}

function answered(
  asked: AskedElements,
  method: Method,
  answer: ElementAnswer,
  common: readonly Warning[],
  sign?: Sign,
) {
  const { about: _, method: _own, warnings, ...said } = asked;
  const { map, pixels, layer, partial } = answer;
  const raw = { map, pixels, layer, ...(partial && { partial }) };
  return withRemarks(said, method, raw, [...common, ...warnings], sign);
}
