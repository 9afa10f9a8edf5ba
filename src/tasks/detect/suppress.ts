/** @file Non-maximum suppression: of boxes of one class that overlap, the best stays. */
import { overlap } from "../../image/boxes.ts";
import type { Candidate } from "./head.ts";

/** The best first; of equal ones the earlier. */
export const bestFirst = <T extends { readonly score: number }>(candidates: readonly T[]): T[] =>
  candidates.toSorted((a, b) => b.score - a.score);

/** @param most boxes that stay */
export function suppressed(candidates: readonly Candidate[], iou: number, most: number): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of bestFirst(candidates)) {
    if (kept.length >= most) break;
    const hidden = kept.some((other) => other.class === candidate.class && overlap(other.box, candidate.box) > iou);
    if (!hidden) kept.push(candidate);
  }
  return kept;
}
