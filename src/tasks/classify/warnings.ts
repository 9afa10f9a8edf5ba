/** @file What a reader of an explanation must know: of the model, of the layer, of the question and of the map itself. */

import { pearson } from "../../array/correlation.ts";
import { told, type Warning } from "../../read/decision.ts";
import type { Layer } from "../../read/layers.ts";
import { percent } from "../percent.ts";
import type { ExplainedClass } from "./explanations.ts";

/** Below it a class is hardly what the model sees. */
const lowProbability = 0.05;
/** Maps of two classes that go together so far do not tell them apart. */
const alike = 0.98;

/** The explanations of one sample, each with its warnings. */
export function withWarnings(
  explanations: readonly ExplainedClass[],
  common: readonly Warning[],
  layers: readonly Layer[],
  probabilities: readonly (number | null)[],
): ExplainedClass[] {
  return explanations.map((explanation) => {
    const { label, class: index, warnings } = explanation;
    const { name, insteadOf, equals } = layers.find((layer) => layer.name === explanation.layer) ?? {};
    const probability = probabilities[index] ?? 1;
    const weak = probability < lowProbability && explanation.asked === String(index);
    const ofQuestion = told([
      [
        "layer-replaced",
        insteadOf && `The patch tokens of ${insteadOf} do not reach the score: explained at ${name} instead.`,
      ],
      [
        "layer-guessed",
        (equals?.length ?? 0) > 0 &&
          `The layer ${name} was chosen from several parallel ones; the others:  ${equals?.join(", ")}.`,
      ],
      [
        "low-probability",
        weak &&
          `The model gives "${label}" a probability of ${percent(probability)}, so the map shows only weak evidence for it.`,
      ],
    ]);
    return { ...explanation, warnings: [...common, ...ofQuestion, ...warnings, ...ofMap(explanation, explanations)] };
  });
}

function ofMap({ blank, method, map, class: index, warnings }: ExplainedClass, all: readonly ExplainedClass[]) {
  const code = "class-independent";
  if (blank !== undefined || warnings.some((one) => one.code === code)) return [];
  const same = (e: ExplainedClass) => e.method === method && e.class !== index && !e.blank;
  const other = all.find((e) => same(e) && pearson(e.map.data, map.data) > alike);
  return told([[code, other && `The map hardly depends on the class: that of "${other.label}" is the same.`]]);
}
