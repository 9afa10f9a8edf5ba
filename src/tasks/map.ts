/** @file A map as people read it: on the picture's own pixels, with its peak and its box, or the reason why it shows nothing. */
import { type Geometry, undo } from "../image/geometry.ts";
import { locateOn } from "../image/locate.ts";
import type { PixelMap } from "../image/picture.ts";
import type { Method } from "../methods/method.ts";
import type { Warning } from "../read/decision.ts";
import { blankness, type OneMap } from "./answers.ts";
import type { PicturePlace } from "./pictures.ts";
import { emptied } from "./warnings.ts";

/** A map, and where it lies on the picture. */
export interface ReadMap extends OneMap, PicturePlace {
  /** The method's name, and how people write it. */
  readonly method: string;
  readonly methodTitle: string;
  /** Why the map is blank, where it is. */
  readonly blank?: string;
  /** What a reader must know of it. */
  readonly warnings: readonly Warning[];
}

/** @param question in words, for the reason why a map is blank */
export function readMap({ map, pixels, layer }: OneMap, method: Method, question: string, geometry: Geometry): ReadMap {
  const [h, w] = map.dims;
  const onPicture = () => undo(map.data, [h, w], geometry);
  const blank = blankness(map, { method, question, layer });
  const seen = blank ? undefined : onPicture();
  return {
    ...{ method: method.name, methodTitle: method.title },
    ...{ layer, map, pixels, blank, warnings: emptied(blank, layer), ...(seen && locateOn(geometry, seen)) },
    get onPicture() {
      return onPicture();
    },
  };
}

/**
 * The mean of a map inside a mask over its mean outside (the protocol of arXiv 1610.02391, section 8.1): 1 for a uniform map. What the
 * network did not see, and what is below 0, counts nothing; undefined where the mask is empty or covers all, or nothing is outside.
 * @param mask of the map's size, above 0 inside
 */
export function insideOutside({ data }: PixelMap, mask: ArrayLike<number>): number | undefined {
  const [sums, counts] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) continue;
    const side = mask[i] > 0 ? 0 : 1;
    sums[side] += Math.max(0, data[i]);
    counts[side]++;
  }
  if (counts[0] === 0 || counts[1] === 0 || sums[1] === 0) return undefined;
  return sums[0] / counts[0] / (sums[1] / counts[1]);
}
