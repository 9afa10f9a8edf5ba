/** @file How large boxes are, and how far two of them overlap. */
import type { Box } from "./locate.ts";

export const areaOf = ([x0, y0, x1, y1]: Box): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** Intersection over union of two boxes, edges as `x0 <= x < x1`; 0 for boxes of no area. */
export function overlap(a: Box, b: Box): number {
  const common = areaOf([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const union = areaOf(a) + areaOf(b) - common;
  return union > 0 ? common / union : 0;
}
