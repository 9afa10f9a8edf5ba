/**
 * @file The pointing game (Zhang et al. 2016, as played by TorchRay): does the map's maximum lie on the thing, or less than 15 pixels off?
 *
 * Accuracy is the mean over classes of hits / (hits + misses). "Difficult" are pictures where the things cover less than a quarter and
 * something else is annotated too. A blank map points nowhere and misses.
 * TorchRay's maximum is the first in row-major order (`--peak first`); a plateau's centre does not change when a picture is mirrored.
 */

import { mean } from "../../array/statistics.ts";
import { type PeakOptions, peak } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import { each, type Mask, type Measured, type Metric } from "./metric.ts";
import { checkSizes, coverage, near } from "./regions.ts";

/** In pixels of the original picture. */
export const tolerance = 15;

export const pointingGame: Metric = {
  name: "pointing-game",
  title: "Pointing game",
  summary: "How often the map's maximum is on the annotated object, or less than 15 pixels from it; mean over classes.",
  paper: "Zhang et al. 2016, https://arxiv.org/abs/1608.00507",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture, others, peakBy }) => {
    const { width, height } = onPicture;
    const region = coverage(objects, width, height);
    if (!region.data.includes(1)) return undefined;
    const covered = region.data.reduce((a, b) => a + b, 0) / region.data.length;
    const difficult = covered < 0.25 && others > 0;
    return { hit: pointsAt(onPicture, region, peakBy) ? 1 : 0, difficult: difficult ? 1 : 0 };
  }),
  summarise: (measured) => ({
    all: meanOverClasses(measured),
    // Of a detector no box is, and in some datasets no image.
    difficult: measured.some(isDifficult) ? meanOverClasses(measured, true) : undefined,
  }),
};

const isDifficult = ({ measurements }: Measured): boolean => measurements.some(({ values }) => values.difficult);

/**
 * Whether a map's peak lies on a region, or less than so many pixels from it; that of a blank map lies nowhere.
 * @param options the tolerance in pixels, 15 unless told; and what counts as the peak
 */
export function pointsAt(
  map: PixelMap,
  region: Mask,
  { tolerance: most = tolerance, ...peakBy }: PeakOptions & { readonly tolerance?: number } = {},
): boolean {
  checkSizes(map, region);
  const top = peak(map, peakBy);
  return top !== undefined && near(top, region, most);
}

function meanOverClasses(measured: readonly Measured[], difficult = false): number {
  // The dataset's classes: every breed is a dog.
  const played = new Map<string | number, { hits: number; count: number }>();
  for (const { measurements } of measured)
    for (const { class: c = -1, name = c, values } of measurements) {
      if (difficult && !values.difficult) continue;
      const game = played.get(name) ?? { hits: 0, count: 0 };
      game.hits += values.hit as number;
      game.count++;
      played.set(name, game);
    }
  return mean([...played.values()].map(({ hits, count }) => hits / count));
}
