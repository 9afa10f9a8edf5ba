/** @file How scores become probabilities, and why: over all classes, each by itself, as they are, or not at all. */
import { isRecord } from "../../errors.ts";
import type { Model } from "../../onnx/model.ts";
import type { PlainDims } from "../../read/axes.ts";
import { rearranging } from "../../read/families.ts";
import type { Score } from "../../read/score.ts";
import type { Task } from "../task.ts";

/** How scores become probabilities: over all classes, each by itself, as they are, or not at all. */
export type Probability = "softmax" | "sigmoid" | "as-is" | "none";

export const sigmoid = (score: number): number => 1 / (1 + Math.exp(-score));

export function probabilitiesOf(scores: Float32Array, by: Probability): (number | null)[] {
  if (by === "as-is") return Array.from(scores);
  if (by === "none") return Array<null>(scores.length).fill(null);
  return by === "sigmoid" ? Array.from(scores, sigmoid) : softmax(scores);
}

/** In loops: of a thousand classes, a service would else spend more time here than on its HTTP. */
export function softmax(scores: Float32Array): number[] {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) most = Math.max(most, score);
  const powers: number[] = [];
  let total = 0;
  for (const score of scores) {
    const power = Math.exp(score - most);
    powers.push(power);
    total += power;
  }
  return powers.map((power) => power / total);
}

export interface Probable {
  readonly probability: Probability;
  readonly because: string;
  /** Whether nothing but the number of scores speaks for it. */
  readonly guess?: true;
}

/** Operators that only put scores in their place. */
const moving = new Set<string>([...rearranging, "Cast", "Concat", "Split", "Slice", "Gather", "Dropout"]);
/** Operators that logits do not end with. */
const bounding: Readonly<Record<string, Probability>> = {
  Sigmoid: "as-is",
  HardSigmoid: "as-is",
  Softmax: "as-is",
  Tanh: "none",
  Relu: "none",
  Softplus: "none",
  Clip: "none",
  Exp: "none",
  LpNormalization: "none",
};

const values = /box|coord|landmark|point|pose|angle|offset|regress|value|depth|age|embed|descriptor|feature/i;

/**
 * @param dims of the scores, [n, classes, ...grid]
 * @param said what the caller and the configuration say
 */
export function probabilityOf(
  model: Model,
  task: Task,
  { name, before, output }: Score,
  [, classes]: PlainDims,
  said: { readonly probability?: Probability; readonly config?: unknown },
  labels: readonly string[],
): Probable {
  if (said.probability) return { probability: said.probability, because: "it was given" };
  if (task === "embedding") return { probability: "none", because: "an embedding has no classes" };
  const kind = isRecord(said.config) && said.config.problem_type;
  if (kind === "multi_label_classification") return { probability: "sigmoid", because: `config.json says ${kind}` };
  if (kind === "regression") return { probability: "none", because: `config.json says ${kind}` };
  if (before === "Sigmoid") return { probability: "sigmoid", because: "the model ends in a Sigmoid" };
  if (before === "Softmax" || before === "LogSoftmax")
    return { probability: "softmax", because: `the model ends in a ${before}` };
  const end = bound(model, name);
  const bounded = bounding[end ?? ""];
  if (bounded) return { probability: bounded, because: `the scores come from a ${end}` };
  if (classes === 1)
    return labels.length
      ? { probability: "sigmoid", because: "there is one score, and it has a name" }
      : { probability: "none", because: "there is one value, and it has no name" };
  if (labels.length === 0 && values.test(output))
    return { probability: "none", because: `"${output}" is named like a value` };
  const because = labels.length ? `there are ${labels.length} class names` : `there are several scores`;
  return { probability: "softmax", because, ...(labels.length === 0 && classes > 0 && classes < 6 && { guess: true }) };
}

/** The bounding operator that all of the scores come from, through what only moves them. */
function bound(model: Model, name: string): string | undefined {
  const node = model.producer.get(name);
  if (!node) return undefined;
  if (Object.hasOwn(bounding, node.opType)) return node.opType;
  if (!moving.has(node.opType)) return undefined;
  const read = node.opType === "Concat" ? node.input : node.input.slice(0, 1);
  const found = new Set(read.filter((input) => !model.constants.has(input)).map((input) => bound(model, input)));
  return found.size === 1 ? [...found][0] : undefined;
}
