/** @file Localisation error (ILSVRC-15, as in Selvaraju et al. 2017 section 4.1): the box of the map's largest segment above 15 %. */

import { overlap } from "../../image/boxes.ts";
import { type Box, box } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import { annotated, type Metric } from "./metric.ts";

export const localisationError: Metric = {
  name: "localisation-error",
  title: "Localisation error",
  summary: "How often none of the top 1 or top 5 predictions is the correct class with a box at IoU 0.5 or more.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  about: "top5",
  needs: "boxes",
  better: "lower",
  measure(cases) {
    // A picture without a class of its own, or without any box, says nothing.
    if (cases.every(({ right }) => right === undefined) || !cases.some(annotated)) return [];
    const found = cases.map(
      ({ right, objects, onPicture }) =>
        right === true &&
        localises(
          onPicture,
          objects.flatMap((object) => (object.box ? [object.box] : [])),
        ),
    );
    const error = (k: number) => (cases.some(({ rank }, i) => rank < k && found[i]) ? 0 : 1);
    return [{ values: { "top-1": error(1), "top-5": error(5) } }];
  },
};

/** Whether the box of a map's largest segment meets one of the boxes by so much: intersection over union. */
export function localises(
  map: PixelMap,
  boxes: readonly Box[],
  { threshold, least = 0.5 }: { readonly threshold?: number; readonly least?: number } = {},
): boolean {
  const drawn = box(map, { threshold });
  return drawn !== undefined && boxes.some((one) => overlap(drawn, one) >= least);
}
