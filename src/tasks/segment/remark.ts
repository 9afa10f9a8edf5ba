/** @file What is said of a picture's masks where nobody asked for anything: which of them are explained, or why none is. */
import { percent } from "../percent.ts";
import { usualMasks } from "./mask-questions.ts";
import type { FoundMask } from "./masks.ts";

/**
 * @param explained how many of the masks
 * @param scores of objects: the best, and the one that they must be above
 */
export function remarkOn(
  masks: readonly FoundMask[],
  explained: number,
  { best, least }: { readonly best: number | undefined; readonly least: number },
): string {
  const part = `${100 * usualMasks.above} %`;
  if (masks.length === 0 && best !== undefined && best <= least)
    return `Nothing was found above a score of ${percent(least)}; the best is ${percent(best)}. --score lowers what counts.`;
  if (masks.length === 0) return "No mask is predicted: there is nothing to explain.";
  if (explained === 0)
    return `No mask covers more than ${part} of the picture; --target mask:0 explains the first all the same.`;
  const large = masks.filter(({ area }) => area > usualMasks.above).length;
  if (large === 1)
    return `No target: the mask that covers more than ${part} of the picture is explained, by its logits where it is predicted.`;
  const which = large > explained ? `the first ${explained} of the ${large} masks` : `the ${large} masks`;
  return `No target: ${which} that cover more than ${part} of the picture are explained, by their logits where they are predicted.`;
}
