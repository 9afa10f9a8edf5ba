/** @file Non-maximum suppression: of boxes of one class that overlap, the best stays. */
import type { Box } from "../../image/locate.ts";
import type { Candidate } from "./head.ts";

export const area = ([x0, y0, x1, y1]: Box): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** Intersection over union; 0 for boxes of no area. */
export function overlap(a: Box, b: Box): number {
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both === 0 ? 0 : both / (area(a) + area(b) - both);
}

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
