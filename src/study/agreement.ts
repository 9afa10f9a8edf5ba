/** @file Agreement beyond chance: Krippendorff's alpha (Computing Krippendorff's Alpha-Reliability, 2011), for any number of ratings an item. */

/** How far two values are apart: different or not, or by the square of their difference. */
export type Level = "nominal" | "interval";

const apart: { readonly [L in Level]: (a: number, b: number) => number } = {
  nominal: (a, b) => Number(a !== b),
  interval: (a, b) => (a - b) ** 2,
};

/**
 * 1 where everybody agrees, 0 where they agree as chance would have it, NaN where there is nothing to agree on.
 * @param items the ratings of each item; an item with one alone says nothing.
 */
export function krippendorffAlpha(items: readonly (readonly number[])[], level: Level): number {
  const paired = items.filter((ratings) => ratings.length > 1);
  const total = new Map<number, number>();
  let count = 0;
  let observed = 0;
  for (const ratings of paired) {
    const here = tally(ratings);
    observed += disagreement(here, level) / (ratings.length - 1);
    for (const [value, n] of here) total.set(value, (total.get(value) ?? 0) + n);
    count += ratings.length;
  }
  const expected = disagreement(total, level) / (count - 1);
  return expected > 0 ? 1 - observed / expected : Number.NaN;
}

function tally(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** The sum over all ordered pairs. */
function disagreement(counts: ReadonlyMap<number, number>, level: Level): number {
  let sum = 0;
  for (const [a, m] of counts) for (const [b, n] of counts) sum += m * n * apart[level](a, b);
  return sum;
}
