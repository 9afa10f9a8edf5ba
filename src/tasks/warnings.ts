/** @file What a reader of an explanation must know: of the model, of the layer, of the question and of the map itself. */

import { pearson } from "../array/correlation.ts";
import type { Warning } from "../read/decision.ts";
import type { Layer } from "../read/layers.ts";
import type { Explanation } from "./answers.ts";
import { percent } from "./percent.ts";

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

/** Of a map at a layer that is blank. */
export const emptied = (blank: string | undefined, layer: string | undefined): Warning[] =>
  blank !== undefined && layer !== undefined
    ? [{ code: "relu-emptied", text: `Nothing is left of the map after the ReLU: ${blank}.` }]
    : [];

/** The explanations of one sample, each with its warnings. */
export function withWarnings(
  explanations: readonly Explanation[],
  { model, prepared, layers, probabilities }: Circumstances,
): Explanation[] {
  const common = model.filter(({ code }) => prepared || code !== "preparation-guessed");
  return explanations.map((explanation) => ({
    ...explanation,
    warnings: [
      ...common,
      ...ofLayer(layers.find(({ name }) => name === explanation.layer)),
      ...ofClass(explanation, probabilities[explanation.class]),
      ...ofMap(explanation, explanations),
    ],
  }));
}

function ofLayer(layer: Layer | undefined): Warning[] {
  const { name, insteadOf, equals } = layer ?? {};
  return [
    ...(insteadOf
      ? [
          {
            code: "layer-replaced",
            text: `The patch tokens of ${insteadOf} do not reach the score: explained at ${name} instead.`,
          } as const,
        ]
      : []),
    ...(equals?.length
      ? [
          {
            code: "layer-guessed",
            text: `The layer ${name} was taken from several that end side by side; the others: ${equals.join(", ")}.`,
          } as const,
        ]
      : []),
  ];
}

function ofClass({ label, asked, class: index }: Explanation, probability: number | null | undefined): Warning[] {
  if (probability == null || probability >= lowProbability || asked !== String(index)) return [];
  const text = `The model gives "${label}" a probability of ${percent(probability)}: the map shows what would speak for it.`;
  return [{ code: "low-probability", text }];
}

function ofMap(explanation: Explanation, all: readonly Explanation[]): Warning[] {
  const { blank, layer, method, map, class: index, warnings } = explanation;
  if (blank !== undefined) return emptied(blank, layer);
  if (warnings.length) return [...warnings];
  const other = all.find(
    (e) => e.method === method && e.class !== index && !e.blank && pearson(e.map.data, map.data) > alike,
  );
  if (!other) return [];
  return [
    { code: "class-independent", text: `The map hardly depends on the class: that of "${other.label}" is the same.` },
  ];
}
