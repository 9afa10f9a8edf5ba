/**
 * @file Which of several connected parts of a map is meant, by what does not change when the map is mirrored or turned: their size, then
 * the sum of their values, then how near they are to the map's middle. Parts that are alike in all of these are meant together.
 */

/** A connected part of a map, by axes: [x, y] or [x, y, z]. */
export interface Segment {
  /** How many pixels. */
  readonly size: number;
  /** Of their values. */
  readonly sum: number;
  /** Of their places along each axis. */
  readonly places: readonly number[];
  /** The bounding box: `low <= place < high` along each axis. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Values this near to the maximum, in parts of it, are the maximum: interpolation rounds. */
export const PLATEAU = 1e-6;

/** Places of the same segment in another order differ by rounding. */
const ROUNDING = 1e-9;

/** How two segments of a map are ordered, the one that is meant first; 0 where nothing tells them apart. */
export function order(a: Segment, b: Segment, extent: readonly number[]): number {
  if (a.size !== b.size) return b.size - a.size;
  if (Math.abs(a.sum - b.sum) > PLATEAU * Math.max(Math.abs(a.sum), Math.abs(b.sum))) return b.sum - a.sum;
  const [far, near] = [a, b].map((one) => fromMiddle(one, extent));
  return Math.abs(far - near) > ROUNDING * Math.max(far, near) ? far - near : 0;
}

/** The squared distance of a segment's centre from the middle of the map. */
const fromMiddle = (segment: Segment, extent: readonly number[]): number =>
  centre(segment).reduce((sum, at, axis) => sum + (at - (extent[axis] - 1) / 2) ** 2, 0);

const centre = ({ places, size }: Segment): number[] => places.map((sum) => sum / size);

/** Those that come first: one, or several between which nothing decides. */
export function foremost(segments: readonly Segment[], extent: readonly number[]): Segment[] {
  let best: Segment[] = [];
  for (const segment of segments) {
    const turn = best.length ? order(segment, best[0], extent) : -1;
    if (turn < 0) best = [segment];
    else if (turn === 0) best.push(segment);
  }
  return best;
}

/** The centre of the foremost segment; of several, the mean of their centres. */
export function middleOf(segments: readonly Segment[], extent: readonly number[]): number[] {
  const centres = foremost(segments, extent).map(centre);
  return extent.map((_, axis) => centres.reduce((sum, at) => sum + at[axis], 0) / centres.length);
}

/** The bounding box of the foremost segment; of several, the box around them. */
export function boundsOf(segments: readonly Segment[], extent: readonly number[]): { low: number[]; high: number[] } {
  const all = foremost(segments, extent);
  return {
    low: extent.map((_, axis) => Math.min(...all.map(({ low }) => low[axis]))),
    high: extent.map((_, axis) => Math.max(...all.map(({ high }) => high[axis]))),
  };
}

/** The largest finite value above 0, and where it is first; undefined for a blank map. */
export function largest(data: Float32Array): { readonly at: number; readonly value: number } | undefined {
  let at = -1;
  let value = 0;
  for (let i = 0; i < data.length; i++)
    if (data[i] > value && data[i] < Number.POSITIVE_INFINITY) {
      value = data[i];
      at = i;
    }
  return at < 0 ? undefined : { at, value };
}
