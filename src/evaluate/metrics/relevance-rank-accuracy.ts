/**
 * @file Relevance rank accuracy (Arras et al. 2022, CLEVR-XAI): of the K highest values of a map, how many lie on the thing of K pixels.
 *
 * Which of several equal values are among the K nobody can say, so they count by chance: as many of them as there is room for, times the
 * fraction of them that lies on the thing. A mirrored picture has the same figure.
 */
import type { PixelMap } from "../../image/picture.ts";
import { each, type Mask, type Metric } from "./metric.ts";
import { checkSizes, coverage } from "./regions.ts";

export const relevanceRankAccuracy: Metric = {
  name: "relevance-rank-accuracy",
  title: "Relevance rank accuracy",
  summary:
    "Of as many of the map's highest values as the object has pixels, the fraction inside the object; 0 for a blank map.",
  paper: "Arras et al. 2022, https://arxiv.org/abs/2003.07258",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture }) => {
    const accuracy = rankAccuracy(onPicture, coverage(objects, onPicture.width, onPicture.height));
    return accuracy === undefined ? undefined : { accuracy };
  }),
};

/** Of the region's pixels that the network saw, K, and the map's K highest values; undefined where there is no such pixel, 0 of a blank map. */
export function rankAccuracy(map: PixelMap, region: Mask): number | undefined {
  checkSizes(map, region);
  const seen = Uint32Array.from(map.data.keys()).filter((i) => !Number.isNaN(map.data[i]));
  const wanted = seen.filter((i) => region.data[i] > 0).length;
  if (wanted === 0) return undefined;
  const values = Float64Array.from(seen, (i) => map.data[i]).sort();
  if (values[values.length - 1] <= 0) return 0;
  const least = values[values.length - wanted];
  let [above, hits, equal, equalHits] = [0, 0, 0, 0];
  for (const i of seen) {
    const inside = region.data[i] > 0 ? 1 : 0;
    if (map.data[i] > least) [above, hits] = [above + 1, hits + inside];
    else if (map.data[i] === least) [equal, equalHits] = [equal + 1, equalHits + inside];
  }
  return (hits + ((wanted - above) * equalHits) / equal) / wanted;
}
