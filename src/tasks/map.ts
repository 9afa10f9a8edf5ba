/** @file A map as people read it: on the picture's own pixels, with its peak and its box, or the reason why it shows nothing. */
import { InternalError } from "../errors.ts";
import { type Geometry, undo } from "../image/geometry.ts";
import { type Box, box, type Point, peak } from "../image/locate.ts";
import type { PixelMap } from "../image/picture.ts";
import type { Dense } from "../methods/method.ts";

/** A method's answer to one question. */
export interface OneMap {
  /** Raw: neither normalised nor resized, [h, w]. */
  readonly map: Dense;
  /** For methods in pixel space: the signed image, [3, h, w], on the network's input. */
  readonly pixels?: Dense;
  /** The tensor that the map lies on; undefined for methods in pixel space. */
  readonly layer?: string;
}

export interface ReadMap extends OneMap {
  /** The map on the original picture's pixels, NaN where the network did not look; computed when it is read, for it may be large. */
  readonly onPicture: PixelMap;
  /** The map's maximum, in pixels of the original picture; undefined for a blank map. */
  readonly peak?: Point;
  /** Around the largest connected part above 15 % of the maximum. */
  readonly box?: Box;
  /** Why the map is blank, where it is. */
  readonly blank?: string;
}

/** @param question in words, for the reason why a map is blank */
export function readMap({ map, pixels, layer }: OneMap, question: string, geometry: Geometry): ReadMap {
  const [h, w] = map.dims;
  const onPicture = () => undo(map.data, [h, w], geometry);
  const blank = blankness(map, question, layer);
  const seen = blank ? undefined : onPicture();
  return {
    ...{ layer, map, pixels, blank, peak: seen && peak(seen), box: seen && box(seen) },
    get onPicture() {
      return onPicture();
    },
  };
}

/** Why a map shows nothing; undefined where it shows something. */
function blankness({ data }: Dense, question: string, layer: string | undefined): string | undefined {
  if (data.some((v) => !Number.isFinite(v))) return "the map is not finite: a gradient overflowed";
  if (data.some((v) => v > 0)) return undefined;
  return layer
    ? `no positive evidence for "${question}" at ${layer}`
    : `the score of "${question}" depends on no pixel here`;
}

/** One of several answers, [m, ...]. */
export function rowOf({ data, dims: [m, ...dims] }: { data: unknown; dims: readonly number[] }, index: number): Dense {
  if (!(data instanceof Float32Array)) throw new InternalError("maps are float32");
  const size = data.length / m;
  return { data: data.slice(index * size, (index + 1) * size), dims };
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
