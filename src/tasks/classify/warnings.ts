/** @file What a reader of an explanation must know: of the model, of the layer, of the question and of the map itself. */

import { pearson } from "../../array/correlation.ts";
import type { Warning } from "../../read/decision.ts";
import type { Layer } from "../../read/layers.ts";
import { percent } from "../percent.ts";
import type { ExplainedClass } from "./explanations.ts";

/** Below it a class is hardly what the model sees. */
const lowProbability = 0.05;
/** Maps of two classes that go together so far do not tell them apart. */
const alike = 0.98;

export interface Circumstances {
  /** Of the model. */
  readonly model: readonly Warning[];
  /** Whether the sample was prepared, or is an array that was fed as it is. */
  readonly prepared: boolean;
  readonly layers: readonly Layer[];
  /** Of each class. */
  readonly probabilities: readonly (number | null)[];
}

/** The explanations of one sample, each with its warnings. */
export function withWarnings(
  explanations: readonly ExplainedClass[],
  { model, prepared, layers, probabilities }: Circumstances,
): ExplainedClass[] {
  const common = model.filter(({ code }) => prepared || code !== "preparation-guessed");
  return explanations.map((explanation) => ({
    ...explanation,
    warnings: [
      ...common,
      ...ofLayer(layers.find(({ name }) => name === explanation.layer)),
      ...ofClass(explanation, probabilities[explanation.class]),
      ...explanation.warnings,
      ...ofMap(explanation, explanations),
    ],
  }));
}

function ofLayer({ name, insteadOf, equals }: Partial<Layer> = {}): Warning[] {
  const replaced = `The patch tokens of ${insteadOf} do not reach the score: explained at ${name} instead.`;
  const guessed = `The layer ${name} was chosen from several parallel ones; the others:  ${equals?.join(", ")}.`;
  return [
    ...(insteadOf ? [{ code: "layer-replaced", text: replaced } as const] : []),
    ...(equals?.length ? [{ code: "layer-guessed", text: guessed } as const] : []),
  ];
}

function ofClass({ label, asked, class: index }: ExplainedClass, probability: number | null | undefined): Warning[] {
  if (probability == null || probability >= lowProbability || asked !== String(index)) return [];
  const text = `The model gives "${label}" a probability of ${percent(probability)}, so the map shows only weak evidence for it.`;
  return [{ code: "low-probability", text }];
}

function ofMap(
  { blank, method, map, class: index, warnings }: ExplainedClass,
  all: readonly ExplainedClass[],
): Warning[] {
  if (blank !== undefined) return [];
  const code = "class-independent";
  if (warnings.some((one) => one.code === code)) return [];
  const other = all.find(
    (e) => e.method === method && e.class !== index && !e.blank && pearson(e.map.data, map.data) > alike,
  );
  return other ? [{ code, text: `The map hardly depends on the class: that of "${other.label}" is the same.` }] : [];
}
