/**
 * @file The extended pointing game (Selvaraju et al. 2017, section 4.2): the five best predictions, each pointed at or rejected.
 *
 * A map whose maximum is below a threshold rejects its class, which is right when the class is not in the picture. The threshold is the
 * set's best, chosen on one half of the pictures for the other. Values at different classes compare in the raw map's units.
 */

import { mean, quantile } from "../../array/statistics.ts";
import { maximum } from "../../image/locate.ts";
import { annotated, each, type Measured, type Metric } from "./metric.ts";
import { pointsAt } from "./pointing-game.ts";
import { coverage } from "./regions.ts";
import { halves } from "./split.ts";

export const extendedPointingGame: Metric = {
  name: "extended-pointing-game",
  title: "Extended pointing game",
  summary: "Over the top 5 predictions: classes that are present are pointed at, absent ones rejected.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  about: "top5",
  needs: "boxes",
  better: "higher",
  measure: each((one) => {
    const { objects, onPicture, peakBy } = one;
    if (!annotated(one)) return undefined;
    const region = coverage(objects, onPicture.width, onPicture.height);
    const present = region.data.includes(1);
    return {
      strength: maximum(onPicture),
      present: present ? 1 : 0,
      hit: present && pointsAt(onPicture, region, peakBy) ? 1 : 0,
    };
  }),
  summarise(measured) {
    const [a, b] = halves(measured).map(plays);
    if (a.length === 0 || b.length === 0) return {};
    const right = [...outcomes(a, bestThreshold(b)), ...outcomes(b, bestThreshold(a))];
    return { right: mean(right), "all rejected": mean([...a, ...b].map(({ present }) => 1 - present)) };
  },
};

interface Play {
  readonly strength: number;
  readonly present: number;
  readonly hit: number;
}

const plays = (measured: readonly Measured[]): Play[] =>
  measured.flatMap(({ measurements }) => measurements.map(({ values }) => values as unknown as Play));

const outcomes = (half: readonly Play[], threshold: number): number[] =>
  half.map(({ strength, present, hit }) => (strength < threshold ? 1 - present : hit));

function bestThreshold(half: readonly Play[]): number {
  const sorted = half.map(({ strength }) => strength).sort((x, y) => x - y);
  const tried = Array.from({ length: 51 }, (_, i) => (i === 0 ? 0 : quantile(sorted, i / 50)));
  const right = tried.map((threshold) => mean(outcomes(half, threshold)));
  return tried[right.indexOf(Math.max(...right))];
}
