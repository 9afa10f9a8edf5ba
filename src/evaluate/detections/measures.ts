/**
 * @file What is measured of one detection's map: where it points, how its energy lies on the objects, and how the detection's score goes
 * as the pixels that the map names go, or come.
 *
 * Deletion and insertion follow Zhao and Chan 2023 (ODAM): as many pixels as the box has are replaced, in steps; the score is the best of
 * the boxes of the same class that overlap with the detection by more than a half, 0 where there is none.
 */
import type { Dense } from "../../array/dense.ts";
import { area as areaUnder } from "../../array/statistics.ts";
import { areaOf, overlap } from "../../image/boxes.ts";
import type { Geometry } from "../../image/geometry.ts";
import type { Box } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import type { Detection } from "../../tasks/detect/detections.ts";
import type { Candidate } from "../../tasks/detect/head.ts";
import { bestFirst } from "../../tasks/detect/suppress.ts";
import type { Annotation, Mask } from "../metrics/metric.ts";
import { pointsAt } from "../metrics/pointing-game.ts";
import { coverage, energyOn } from "../metrics/regions.ts";
import { askVariants, blurred, byImportance, isBlank, replaced, type Score } from "../metrics/variants.ts";

/** Boxes that overlap by more than this are of one thing. */
export const sameThing = 0.5;

const steps = 10;

/** What one map says, by figure. */
export type Measured = Readonly<Record<string, number>>;

/** Detections and the objects that they found: of one class, overlapping, each object's best detection. */
export function matched(
  detections: readonly Detection[],
  objects: readonly Annotation[],
): { readonly detection: Detection; readonly object: number }[] {
  const taken = new Set<number>();
  return bestFirst(detections).flatMap((detection) => {
    const fits = objects
      .map(({ box, classes }, object) => ({
        object,
        shared: box && classes.includes(detection.class) ? overlap(box, detection.box) : 0,
      }))
      .filter(({ object, shared }) => shared > sameThing && !taken.has(object))
      .sort((a, b) => b.shared - a.shared);
    const [best] = fits;
    if (!best) return [];
    taken.add(best.object);
    return [{ detection, object: best.object }];
  });
}

/** The best score of what is left of a detection. */
export const survivor = ({ class: c, box }: Candidate, candidates: readonly Candidate[]): number =>
  candidates.reduce(
    (most, other) => (other.class === c && overlap(box, other.box) > sameThing ? Math.max(most, other.score) : most),
    0,
  );

/**
 * Where a map over the picture lies.
 * @returns whether its peak is on the object's box; the share of its positive values there; and of those on objects, the share on others
 * (object discrimination index)
 */
export function placed(map: PixelMap, objects: readonly Annotation[], own: number): Measured {
  const region = (some: readonly Annotation[]) =>
    coverage(
      some.map(({ box }) => ({ box })),
      map.width,
      map.height,
    );
  const of = objects[own] as Annotation;
  const others = objects.filter((object) => object !== of);
  const all = energyOn(map, region(objects));
  return {
    pointing: pointsAt(map, region([of]), { tolerance: 0 }) ? 1 : 0,
    energy: energyOn(map, region([of])),
    ...(others.length > 0 && all > 0 && { odi: energyOn(map, region(others)) / all }),
  };
}

/**
 * Areas under the curves of a detection's score, over the part of so many pixels as its box has.
 * @param map over the network's input, [H, W]
 * @param box in the network's pixels
 * @returns nothing of a blank map, which has no order
 */
export async function faithful(map: Float32Array, box: Box, input: Dense, score: Score): Promise<Measured> {
  if (isBlank(map)) return {};
  const order = byImportance(map);
  const pixels = Math.min(order.length, Math.max(steps, Math.round(areaOf(box))));
  const nothing = new Float32Array(input.data.length);
  const curve = (from: Float32Array, to: Float32Array) => {
    const start = { data: from, dims: input.dims };
    const variant = (step: number) => replaced(start, order.subarray(0, Math.round((pixels * step) / steps)), to);
    return askVariants(input, steps + 1, variant, score);
  };
  return {
    deletion: areaUnder(await curve(input.data, nothing)),
    insertion: areaUnder(await curve(blurred(input), input.data)),
  };
}

/** What the figures can reach: the object's own pixels first, from the box's middle on. */
export function maskFirst({ width, height, data }: Mask, box: Box, geometry: Geometry): Float32Array {
  const { left, top, scaleX, scaleY, input } = geometry;
  const within = (place: number, length: number) => Math.min(length - 1, Math.max(0, Math.floor(place)));
  return gaussianOn(box, input.width, input.height).map((value, i) => {
    const x = within(left + ((i % input.width) + 0.5) * scaleX, width);
    const y = within(top + (Math.floor(i / input.width) + 0.5) * scaleY, height);
    return value + (data[y * width + x] ?? 0);
  });
}

/** The control: a Gaussian on a box, whose sides are four standard deviations. */
export function gaussianOn([x0, y0, x1, y1]: Box, width: number, height: number): Float32Array {
  const along = (place: number, from: number, to: number) =>
    Math.exp(-8 * ((place + 0.5 - (from + to) / 2) / Math.max(1, to - from)) ** 2);
  return Float32Array.from(
    { length: width * height },
    (_, i) => along(i % width, x0, x1) * along(Math.floor(i / width), y0, y1),
  );
}
