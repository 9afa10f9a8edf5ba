/**
 * @file MaxBoxAcc and MaxBoxAccV2 (Choe et al. 2020, wsolevaluation): boxes at the best threshold that the whole set shares.
 *
 * The best threshold must not be chosen on the pictures that it is judged on: the set is halved by the names of the pictures, and each
 * half is judged at the other's threshold.
 */
import { box } from "../../image/locate.ts";
import { mean } from "../statistics.ts";
import { each, type Measured, type Metric } from "./metric.ts";
import { overlap } from "./regions.ts";
import { halves } from "./split.ts";

/** Parts of the map's maximum. */
export const thresholds: readonly number[] = Array.from({ length: 50 }, (_, i) => i / 50);
const levels = [0.3, 0.5, 0.7];

export const maxBoxAccuracy: Metric = {
  name: "max-box-accuracy",
  title: "MaxBoxAcc",
  summary:
    "How often the box at the set's best threshold meets the object's; V2 is the mean over IoU 0.3, 0.5 and 0.7.",
  paper: "Choe et al. 2020, https://arxiv.org/abs/2001.07437",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture }) => {
    const boxes = objects.flatMap((object) => (object.box ? [object.box] : []));
    if (boxes.length === 0) return undefined;
    const best = thresholds.map((threshold) => {
      const drawn = box(onPicture, { threshold });
      return drawn ? Math.max(...boxes.map((truth) => overlap(drawn, truth))) : 0;
    });
    return { iou: best };
  }),
  summarise(measured) {
    const [a, b] = halves(measured).map((half) => half.flatMap(ious));
    if (a.length === 0 || b.length === 0) return {};
    const hits = (half: readonly Curve[], level: number, threshold: number) =>
      half.map((iou) => (iou[threshold] >= level ? 1 : 0));
    const accuracy = (level: number) =>
      mean([...hits(a, level, bestThreshold(b, level)), ...hits(b, level, bestThreshold(a, level))]);
    return { MaxBoxAcc: accuracy(0.5), MaxBoxAccV2: mean(levels.map(accuracy)) };
  },
};

/** The best IoU at each threshold. */
type Curve = readonly number[];

const ious = ({ measurements }: Measured): Curve[] => measurements.map(({ values }) => values.iou as Curve);

function bestThreshold(half: readonly Curve[], level: number): number {
  const hits = thresholds.map((_, t) => half.filter((iou) => iou[t] >= level).length);
  return hits.indexOf(Math.max(...hits));
}
