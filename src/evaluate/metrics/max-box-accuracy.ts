/**
 * @file MaxBoxAcc and MaxBoxAccV2 (Choe et al. 2020, wsolevaluation): boxes at the best threshold that the whole set shares.
 *
 * MaxBoxAcc looks at the box of the largest segment, at IoU 0.5; V2 at the best of all segments' boxes, mean over IoU 0.3, 0.5 and 0.7.
 * The best threshold must not be chosen on the pictures that it is judged on: the set is halved by the names of the pictures, and each
 * half is judged at the other's threshold.
 */

import { mean } from "../../array/statistics.ts";
import { overlap } from "../../image/boxes.ts";
import { type Box, boxes as boxesOfSegments } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import { each, type Measured, type Metric } from "./metric.ts";
import { halves } from "./split.ts";

/** Parts of the map's maximum. */
export const thresholds: readonly number[] = Array.from({ length: 50 }, (_, i) => i / 50);
const levels = [0.3, 0.5, 0.7];

export const maxBoxAccuracy: Metric = {
  name: "max-box-accuracy",
  title: "MaxBoxAcc",
  summary:
    "How often the box at the set's best threshold matches the object's; V2 is the mean over IoU 0.3, 0.5 and 0.7.",
  paper: "Choe et al. 2020, https://arxiv.org/abs/2001.07437",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture }) => {
    const boxes = objects.flatMap((object) => (object.box ? [object.box] : []));
    return boxes.length ? curvesOf(onPicture, boxes) : undefined;
  }),
  summarise: atSharedThresholds,
};

/** A map and the boxes of what it should show. */
interface Boxed {
  /** Each half of a set is judged at the other's threshold, and this says which half it is in. */
  readonly picture: string;
  readonly map: PixelMap;
  readonly boxes: readonly Box[];
}

/** Both figures of a set of maps. */
export const maxBoxAccuracyOf = (set: readonly Boxed[]): { MaxBoxAcc?: number; MaxBoxAccV2?: number } =>
  atSharedThresholds(
    set.map(({ picture, map, boxes }) => ({ picture, measurements: [{ values: curvesOf(map, boxes) }] })),
  );

/** The best overlaps at each threshold: of the largest segment's box, and of any. */
function curvesOf(map: PixelMap, boxes: readonly Box[]): { readonly iou: Curve; readonly any: Curve } {
  const meets = (drawn: Box) => boxes.reduce((most, truth) => Math.max(most, overlap(drawn, truth)), 0);
  const found = thresholds.map((threshold) => boxesOfSegments(map, { threshold }));
  return {
    iou: found.map((drawn) => (drawn ? meets(drawn.largest) : 0)),
    any: found.map((drawn) => (drawn?.all ?? []).map(meets).reduce((a, b) => Math.max(a, b), 0)),
  };
}

function atSharedThresholds(measured: readonly Measured[]): { MaxBoxAcc?: number; MaxBoxAccV2?: number } {
  const [a, b] = halves(measured);
  if (a.length === 0 || b.length === 0) return {};
  const accuracy = (which: "iou" | "any", level: number) => {
    const [ours, theirs] = [a, b].map((half) => half.flatMap((one) => curves(one, which)));
    const hits = (half: readonly Curve[], threshold: number) => half.map((iou) => (iou[threshold] >= level ? 1 : 0));
    return mean([...hits(ours, bestThreshold(theirs, level)), ...hits(theirs, bestThreshold(ours, level))]);
  };
  return { MaxBoxAcc: accuracy("iou", 0.5), MaxBoxAccV2: mean(levels.map((level) => accuracy("any", level))) };
}

/** The best IoU at each threshold. */
type Curve = readonly number[];

const curves = ({ measurements }: Measured, which: "iou" | "any"): Curve[] =>
  measurements.map(({ values }) => values[which] as Curve);

function bestThreshold(half: readonly Curve[], level: number): number {
  const hits = new Uint32Array(thresholds.length);
  for (const iou of half) for (let t = 0; t < hits.length; t++) if (iou[t] >= level) hits[t]++;
  return hits.indexOf(Math.max(...hits));
}
