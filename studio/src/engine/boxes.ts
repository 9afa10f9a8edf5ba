/** @file What a detector found, as the page has it: boxes in the place of classes, each with a number by which it is asked about. */
import type { Geometry } from "gradcam/web";
import type { Question, Seen } from "./contract.ts";

interface Found {
  readonly label: string;
  readonly score: number;
  readonly box: readonly number[];
}

export function seenBoxes(found: readonly Found[], geometry: Geometry, remark: string | undefined): Seen {
  const scores = Float32Array.from(found, ({ score }) => score);
  const boxes = found.map(({ label, box }) => ({ label, box }));
  return {
    ...{ geometry, scores, probabilities: scores, ranking: [...boxes.keys()], boxes },
    // The page has no such option.
    ...(remark && { remark: remark.replace(/ --score [^.]*\.$/, "") }),
  };
}

/** The question about a box, in the grammar of questions. */
export function targetOf({ class: index, against, counterfactual }: Question): string {
  if (against !== undefined) return `box:${index} ~ box:${against}`;
  return `${counterfactual ? "not:" : ""}box:${index}`;
}
