/**
 * @file How alike two boxes are, as D-RISE compares them (arXiv 2006.03204, equation 4): how far they overlap, times the cosine of the
 * scores of all their classes, times the probability that the second is anything at all.
 */
import type { Likeness, OfOne } from "../../explain/elements.ts";
import { overlap } from "../../image/boxes.ts";
import type { Size } from "../../image/geometry.ts";
import type { Candidate, Head } from "./head.ts";

/** Where a head has no objectness, the box's own score stands for it: a cosine does not tell whether scores are high or low. */
export function similarity(target: Candidate, other: Candidate): number {
  const place = overlap(target.box, other.box) * (other.presence ?? other.score);
  return !(place > 0) ? 0 : place * cosine(vectorOf(target), vectorOf(other), target.class === other.class);
}

const vectorOf = (candidate: Candidate): readonly number[] => candidate.classes?.() ?? [];

/** @param same what stands for the cosine where a head gives each box a single class */
function cosine(a: readonly number[], b: readonly number[], same: boolean): number {
  if (a.length === 0) return same ? 1 : 0;
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * (y[i] as number), 0);
  const length = Math.sqrt(dot(a, a) * dot(b, b));
  return length > 0 ? dot(a, b) / length : 0;
}

/** Finds the box of a picture that is most alike to a candidate; the boxes of the picture last read are kept for the next candidate. */
export function likenessBy(head: Head, input: Size): (target: Candidate) => Likeness {
  let last: { readonly picture: OfOne; readonly candidates: readonly Candidate[] } | undefined;
  return (target) => ({
    reads: head.reads,
    of(picture) {
      if (last?.picture !== picture) last = { picture, candidates: head.decode(picture, input, 0).candidates };
      return last.candidates.reduce((most, other) => Math.max(most, similarity(target, other)), 0);
    },
  });
}
