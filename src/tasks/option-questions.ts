/** @file The questions of the grammar that the options of a classifier mean, for models of other tasks. */
import { UserError } from "../errors.ts";
import type { ClassifyOptions } from "./classify/options.ts";

/**
 * @param what the model is, and an example of a question that it can be asked
 * @throws UserError `invalid-option` for what means nothing without a class
 */
export function questionsOf(
  { targets = [], classes, against, counterfactual }: ClassifyOptions,
  [what, example]: readonly [what: string, example: string],
): string[] {
  if (classes === undefined && (against !== undefined || counterfactual))
    throw new UserError(
      "invalid-option",
      `invalid ${against === undefined ? "counterfactual" : "against"}: of a ${what} it is asked by a target, as "not:${example}:0" or "${example}:0 ~ ${example}:1"`,
    );
  const byOptions = (classes ?? []).map((query) => {
    if (against !== undefined) return `class:${query} ~ class:${against}`;
    return counterfactual ? `not:class:${query}` : `class:${query}`;
  });
  return [...byOptions, ...targets];
}
