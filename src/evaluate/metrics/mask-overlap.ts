/** @file Maps against masks: IoU at 15 % of the maximum, and PxAP (Choe et al. 2020), the average precision of all pixels of the set. */
import { sum } from "../../array/statistics.ts";
import type { PixelMap } from "../../image/picture.ts";
import { each, type Mask, type Metric } from "./metric.ts";
import { checkSizes, coverage } from "./regions.ts";

/** Thresholds are (i / bins)^2 of the maximum: fine near 0, where spiky maps have most of their pixels. */
const bins = 200;

export const maskOverlap: Metric = {
  name: "mask-overlap",
  title: "Mask overlap",
  summary: "IoU of the mask with the map above 15 % of its maximum, and PxAP: average precision over the set's pixels.",
  paper: "Choe et al. 2020, https://arxiv.org/abs/2001.07437",
  about: "annotated",
  needs: "masks",
  better: "higher",
  measure: each(({ objects, onPicture }) => {
    if (!objects.some(({ mask }) => mask)) return undefined;
    const mask = coverage(objects, onPicture.width, onPicture.height);
    return { IoU: maskIoU(onPicture, mask), ...histograms(onPicture, mask) };
  }),
  summarise(measured) {
    const all = measured.flatMap(({ measurements }) => measurements.map(({ values }) => values));
    const ious = all.map(({ IoU }) => IoU as number);
    return ious.length ? { IoU: sum(ious) / ious.length, PxAP: averagePrecision(all as unknown as Histograms[]) } : {};
  },
};

/** Intersection over union of a mask with a map above a part of its maximum; that of a blank map is 0. */
export function maskIoU(map: PixelMap, mask: Mask, threshold = 0.15): number {
  let [common, union] = [0, 0];
  eachPart(map, mask, (part, inside, blank) => {
    const above = !blank && part >= threshold;
    if (above && inside) common++;
    if (above || inside) union++;
  });
  return union > 0 ? common / union : 0;
}

/** The average precision of the pixels of a set: each pixel's value, as a part of its map's maximum, tells whether it is in the mask. */
export const pixelAveragePrecision = (set: readonly { readonly map: PixelMap; readonly mask: Mask }[]): number =>
  averagePrecision(set.map(({ map, mask }) => histograms(map, mask)));

/** How many pixels inside of a mask, and outside, have a value in each bin. */
interface Histograms {
  readonly inside: readonly number[];
  readonly outside: readonly number[];
}

function histograms(map: PixelMap, mask: Mask): { inside: number[]; outside: number[] } {
  const [inside, outside] = [new Array<number>(bins + 1).fill(0), new Array<number>(bins + 1).fill(0)];
  eachPart(map, mask, (part, isInside) => {
    (isInside ? inside : outside)[Math.floor(Math.sqrt(part) * bins)]++;
  });
  return { inside, outside };
}

/** Visits the pixels that the network saw, with their values as parts of the maximum. */
function eachPart(map: PixelMap, mask: Mask, visit: (part: number, inside: boolean, blank: boolean) => void): void {
  checkSizes(map, mask);
  const { data } = map;
  const most = data.reduce((a, b) => (b > a ? b : a), 0);
  for (let i = 0; i < data.length; i++)
    if (!Number.isNaN(data[i])) visit(most > 0 ? Math.max(0, data[i] / most) : 0, mask.data[i] > 0, most <= 0);
}

/** Sum over thresholds, from the top, of precision times the recall gained. */
function averagePrecision(all: readonly Histograms[]): number {
  const [inside, outside] = (["inside", "outside"] as const).map((side) => {
    const total = new Float64Array(bins + 1);
    for (const one of all) for (const [i, n] of one[side].entries()) total[i] += n;
    return total;
  });
  const positives = sum(inside);
  let [hits, seen, precision] = [0, 0, 0];
  for (let bin = bins; bin >= 0; bin--) {
    hits += inside[bin];
    seen += inside[bin] + outside[bin];
    if (inside[bin] > 0) precision += (hits / seen) * (inside[bin] / positives);
  }
  return precision;
}
