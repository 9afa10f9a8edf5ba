/** @file How a map differs inside of a mask from outside. */
import { UserError } from "../errors.ts";
import type { PixelMap } from "./picture.ts";

/**
 * The mean of a map inside a mask over its mean outside (the protocol of arXiv 1610.02391, section 8.1): 1 for a uniform map. What the
 * network did not see, and what is below 0, counts nothing; undefined where the mask is empty or covers all, or nothing is outside.
 * @param mask of the map's size, above 0 inside
 */
export function insideOutside(map: PixelMap, mask: ArrayLike<number>): number | undefined {
  const { inside = 0, outside = 0 } = meansApart(map, mask) ?? {};
  return outside > 0 ? inside / outside : undefined;
}

/** The two means; undefined where there is no pixel on one side. */
export function meansApart(
  { data }: PixelMap,
  mask: ArrayLike<number>,
): { readonly inside: number; readonly outside: number } | undefined {
  if (mask.length !== data.length)
    throw new UserError(
      "invalid-input",
      `invalid mask: expected ${data.length} values, the map's, seen ${mask.length}`,
    );
  const [sums, counts] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) continue;
    const side = mask[i] > 0 ? 0 : 1;
    sums[side] += Math.max(0, data[i]);
    counts[side]++;
  }
  if (counts[0] === 0 || counts[1] === 0) return undefined;
  return { inside: sums[0] / counts[0], outside: sums[1] / counts[1] };
}
