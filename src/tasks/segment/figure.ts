/** @file What a person looks at of a segmenter: the border of what an explanation is about, over its map. */
import type { Geometry } from "../../image/geometry.ts";
import type { Point } from "../../image/locate.ts";
import type { Picture } from "../../image/picture.ts";
import { outlined } from "../../render/outline.ts";
import type { ClassExplanation, Why } from "../classify/kinds.ts";
import type { PixelMask } from "./planes.ts";

/** The ring around a pixel has this radius, as a part of the shorter side. */
const RING = 1 / 40;

/** A view of an explanation with the border of its mask or region, or that of its box's mask, or a ring around its pixel; as it is where it has none of them. */
export function maskedView(
  seen: Picture,
  { masks, geometry }: Pick<Why, "masks" | "geometry">,
  { mask, detection, region, pixel }: Pick<ClassExplanation, "mask" | "detection" | "region" | "pixel">,
): Picture {
  // A detector's box has the mask of its own number, where it has masks.
  const about = region ?? masks?.[mask ?? detection ?? -1]?.pixels;
  if (about) return outlined(seen, about);
  return pixel ? outlined(seen, around(pixel, seen, geometry)) : seen;
}

/** A disc around a pixel of the original, in the pixels of what is drawn. */
function around({ x, y }: Point, { width, height }: Picture, { original }: Geometry): PixelMask {
  const [scale, radius] = [width / original.width, Math.max(2, RING * Math.min(width, height))];
  const data = Uint8Array.from({ length: width * height }, (_, i) => {
    const [across, down] = [(i % width) + 0.5 - (x + 0.5) * scale, Math.floor(i / width) + 0.5 - (y + 0.5) * scale];
    return Number(across * across + down * down <= radius * radius);
  });
  return { width, height, data };
}
