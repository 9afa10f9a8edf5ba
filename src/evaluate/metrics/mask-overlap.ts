/** @file Maps against masks: IoU at 15 % of the maximum, and PxAP (Choe et al. 2020), the average precision of all pixels of the set. */
import { sum } from "../../array/statistics.ts";
import { each, type Measured, type Metric } from "./metric.ts";
import { coverage } from "./regions.ts";

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
  measure: each(({ objects, onPicture: { data, width, height } }) => {
    if (!objects.some(({ mask }) => mask)) return undefined;
    const mask = coverage(objects, width, height).data;
    const most = data.reduce((a, b) => (b > a ? b : a), 0);
    const inside = new Array<number>(bins + 1).fill(0);
    const outside = new Array<number>(bins + 1).fill(0);
    let [common, union] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      if (Number.isNaN(data[i])) continue;
      const part = most > 0 ? Math.max(0, data[i] / most) : 0;
      (mask[i] ? inside : outside)[Math.floor(Math.sqrt(part) * bins)]++;
      const above = most > 0 && part >= 0.15;
      if (above && mask[i]) common++;
      if (above || mask[i]) union++;
    }
    return { IoU: union > 0 ? common / union : 0, inside, outside };
  }),
  summarise(measured) {
    const ious = measured.flatMap(({ measurements }) => measurements.map(({ values }) => values.IoU as number));
    return ious.length ? { IoU: sum(ious) / ious.length, PxAP: averagePrecision(measured) } : {};
  },
};

/** Sum over thresholds, from the top, of precision times the recall gained. */
function averagePrecision(measured: readonly Measured[]): number {
  const [inside, outside] = (["inside", "outside"] as const).map((side) => {
    const total = new Float64Array(bins + 1);
    for (const { measurements } of measured)
      for (const { values } of measurements)
        for (const [i, n] of (values[side] as readonly number[]).entries()) total[i] += n;
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
