/** @file A map as people read it: on the picture's own pixels, with its peak and its box, or the reason why it shows nothing. */
import { type Geometry, undo } from "../image/geometry.ts";
import { locateOn } from "../image/locate.ts";
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
