/** @file Whether a model is a classifier: an input that is a sample of one kind, and scores of classes. */
import { UserError } from "../../errors.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { plainDims } from "../../read/axes.ts";
import type { ModelReading } from "../reading.ts";
import { detects, type Task } from "../task.ts";

/** @throws UserError `invalid-model` for a model of which no input has a grid. */
export function inputOf({ model, reading: { explained } }: Explainer, { name, kind }: ModelReading) {
  if (explained && kind) return { name, kind, explained };
  throw new UserError(
    "invalid-model",
    `invalid model: none of its inputs is a picture [n, C, h, w], a signal [n, C, length] or a volume [n, C, d, h, w]; it takes ${model.inputs.map((input) => input.name).join(", ")} (use openExplainer with feeds)`,
  );
}

/** How many classes there are, -1 where nobody knows; @throws UserError `invalid-model` for scores that are not of classes. */
export function classesOf({ tensors, score }: Explainer, task: Task): number {
  const shape = tensors.get(score.name)?.dims ?? [];
  const dims = plainDims(shape, score.axes);
  if (!detects(task) && (dims.length !== 3 || dims[2] === 1)) return dims[1];
  const shown = `"${score.name}" has [${shape}]`;
  const seeds = `its tensors can be explained by openExplainer with { seeds: { ${JSON.stringify(score.name)}: … } }, and gradcam layers lists where`;
  const text = detects(task)
    ? `it looks like ${article(task)}, and its outputs are those of no known head: ${shown}; ${seeds}`
    : `a classifier gives scores of shape [n, classes]; ${shown}, which looks like ${article(task)}; ${seeds}`;
  throw new UserError("invalid-model", `invalid model: ${text}`);
}

/** Of one score behind a sigmoid, two names are those of its absence and its presence. */
export const namesOf = (names: readonly string[], classes: number): readonly string[] =>
  classes === 1 && names.length === 2 ? names.slice(1) : names;

const article = (task: Task): string =>
  ["other", "classification"].includes(task)
    ? "no known task's"
    : `${/^[aeiou]/.test(task) ? "an" : "a"} ${task} model's`;
