/** @file XRAI's segments, and how regions grow of them by their attribution. */
import { felzenszwalb, pixelSteps } from "../../image/felzenszwalb.ts";
import { product, range } from "../../onnx/dims.ts";
import type { Explanation, Question } from "../method.ts";
import { smoothed } from "./blur.ts";
import { type Picture, picturesOf, rangeOf, type Steps, summed } from "./steps.ts";

/** Scales of the segments, in the unit of values from -1 to 1, and the blur in front of them, in pixels, as in the authors' package. */
const scales = [50, 100, 150, 250, 500, 1200].map((scale) => scale / 255);
const blur = 0.8;

/** Of the authors' 224 x 224 pixels: the least segment, what a segment must add to be taken, and by how much it is widened. */
const [leastPart, addedPart, widenedPart] = [150 / 224 ** 2, 50 / 224 ** 2, 5 / 224];

export async function byRegions(question: Question): Promise<Explanation> {
  const { image, k, options } = question;
  const grid = image.dims.slice(2);
  const places = product(grid);
  const { pixels } = await summed(question, fromBlackAndWhite(options.steps), 0.5);
  const channels = image.dims[1] ?? 1;
  const maps = new Float32Array((image.dims[0] ?? 1) * k * places);
  for (const [i, picture] of picturesOf(question).entries()) {
    const masks = overlappingSegments(picture);
    for (const row of range(k).map((j) => i * k + j)) {
      const attribution = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
      for (let v = 0; v < channels * places; v++)
        attribution[v % places] = Math.max(
          attribution[v % places],
          pixels?.data[row * channels * places + v] ?? Number.NaN,
        );
      maps.set(grown(attribution, masks, Math.max(1, Math.round(addedPart * places))), row * places);
    }
  }
  return { maps: { data: maps, dims: [maps.length / places, ...grid] } };
}

/** The straight paths from the least and from the largest value of the picture. */
const fromBlackAndWhite = (steps: number): Steps => ({
  count: 2 * steps,
  of(picture) {
    const ends = rangeOf(picture);
    return (step) => {
      const start = step < steps ? ends.least : ends.most;
      const share = ((step % steps) + 0.5) / steps;
      return {
        at: picture.data.map((value) => start + share * (value - start)),
        by: picture.data.map((value) => (value - start) / steps),
      };
    };
  },
});

/** The pixels of each segment of a picture at all scales, each widened by a ball. */
export function overlappingSegments(picture: Picture): Int32Array[] {
  const { data, dims } = picture;
  const grid = dims.slice(1);
  const { least, most } = rangeOf(picture);
  const unit = Float64Array.from(data, (value) => ((value - least) / (most - least || 1)) * 2 - 1);
  const places = product(grid);
  const steps = pixelSteps(smoothed(unit, dims, blur, "mirror"), dims);
  const ball = ballOf(grid.length, Math.round(widenedPart * places ** (1 / grid.length)));
  return scales.flatMap((scale) => {
    const labels = felzenszwalb(steps, { scale, least: Math.max(1, Math.round(leastPart * places)) });
    const members: number[][] = [];
    for (const [p, label] of labels.entries()) {
      members[label] ??= [];
      members[label].push(p);
    }
    return members.map((of) => widened(of, grid, ball));
  });
}

/** Ways from a pixel to all that are no further than a radius. */
const ballOf = (axes: number, radius: number): number[][] =>
  range((2 * radius + 1) ** axes)
    .map((i) =>
      range(axes).map((axis) => (Math.floor(i / (2 * radius + 1) ** (axes - 1 - axis)) % (2 * radius + 1)) - radius),
    )
    .filter((way) => way.reduce((sum, step) => sum + step ** 2, 0) <= radius ** 2);

function widened(members: readonly number[], grid: readonly number[], ball: readonly (readonly number[])[]) {
  const inside = new Uint8Array(product(grid));
  for (const p of members)
    for (const way of ball) {
      let [rest, q, stride, fits] = [p, 0, 1, true];
      for (let axis = grid.length - 1; axis >= 0; axis--) {
        const at = (rest % grid[axis]) + way[axis];
        fits &&= at >= 0 && at < grid[axis];
        q += at * stride;
        rest = Math.floor(rest / grid[axis]);
        stride *= grid[axis];
      }
      if (fits) inside[q] = 1;
    }
  return Int32Array.from(range(inside.length).filter((p) => inside[p]));
}

/**
 * Takes segments, the one of the largest mean attribution over its pixels that are left first, and gives these pixels that mean; those that
 * no segment takes have theirs.
 * @param added how many pixels a segment must add
 */
export function grown(attribution: Float64Array, segments: readonly Int32Array[], added: number): Float64Array {
  const values = new Float64Array(attribution.length);
  const taken = new Uint8Array(attribution.length);
  const holders: number[][] = range(attribution.length).map(() => []);
  for (const [s, pixels] of segments.entries()) for (const p of pixels) holders[p].push(s);
  const counts = segments.map((pixels) => pixels.length);
  const sums = segments.map((pixels) => pixels.reduce((sum, p) => sum + attribution[p], 0));
  for (;;) {
    let best = -1;
    for (const s of segments.keys())
      if (counts[s] >= added && (best < 0 || sums[s] / counts[s] > sums[best] / counts[best])) best = s;
    if (best < 0) break;
    const gain = sums[best] / counts[best];
    for (const p of segments[best]) {
      if (taken[p]) continue;
      taken[p] = 1;
      values[p] = gain;
      for (const s of holders[p]) {
        counts[s]--;
        sums[s] -= attribution[p];
      }
    }
  }
  const left = range(values.length).filter((p) => !taken[p]);
  const mean = left.reduce((sum, p) => sum + attribution[p], 0) / left.length;
  for (const p of left) values[p] = mean;
  return values;
}
