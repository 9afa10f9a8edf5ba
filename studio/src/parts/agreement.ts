/** @file What is said of two maps: alike they are only where they point at the same place. */
import type { Likeness } from "../engine/contract.ts";

export const figure = (correlation: number): string => (Number.isNaN(correlation) ? "–" : correlation.toFixed(2));

/** Alike are maps that point at the same cell, and order all others nearly alike. */
export const alike = ({ correlation, apart }: Likeness): boolean => correlation > 0.8 && apart <= 1;

export function agreement(likeness: Likeness): string {
  const { correlation, apart } = likeness;
  if (alike(likeness)) return "They are similar, and peak within one cell of each other.";
  const rest = "be careful with this map.";
  if (Number.isNaN(apart)) return `One of them points nowhere: ${rest}`;
  const peaks = apart <= 1 ? "They peak in the same place" : `Their peaks lie ${apart.toFixed(1)} cells apart`;
  if (correlation > 0.8) return `${peaks}, although they rank the rest similarly: ${rest}`;
  return `${peaks}, and elsewhere they ${correlation > 0.3 ? "agree only in part" : "differ"}: ${rest}`;
}
