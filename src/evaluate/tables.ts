/** @file An evaluation's figures as CSV. */
import { csv } from "./csv.ts";
import type { Evaluation } from "./evaluate.ts";

const head = ["metric", "figure", "method", "than", "value", "low", "high", "pictures"];

/** A line for each figure, and for each difference of two methods (with `than`). */
export function csvOf({ figures, differences }: Pick<Evaluation, "figures" | "differences">): string {
  return csv([
    head,
    ...figures.map((f) => [f.metric, f.figure, f.method, "", f.value, f.low, f.high, f.count]),
    ...differences.map((d) => [d.metric, d.figure, d.method, d.than, d.value, d.low, d.high, d.count]),
  ]);
}
