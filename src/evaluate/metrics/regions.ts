/** @file Regions of a picture: what things cover, how boxes overlap, how far a point is from a thing. */
import { UserError } from "../../errors.ts";
import type { Box, Point } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import type { Annotation, Mask } from "./metric.ts";

/** The pixels of things: of their masks, or of their boxes where they have none. */
export function coverage(objects: readonly Pick<Annotation, "box" | "mask">[], width: number, height: number): Mask {
  const data = new Uint8Array(width * height);
  for (const { box, mask } of objects)
    if (mask) for (let i = 0; i < data.length; i++) data[i] |= mask.data[i];
    else if (box) {
      const [x0, y0, x1, y1] = clip(box, width, height);
      for (let y = y0; y < y1; y++) data.fill(1, y * width + x0, y * width + Math.max(x0, x1));
    }
  return { width, height, data };
}

/** The pixels of boxes. */
export const regionOf = (boxes: readonly Box[], width: number, height: number): Mask =>
  coverage(
    boxes.map((box) => ({ box })),
    width,
    height,
  );

/** @throws UserError `invalid-input` for a map and a region that are not of one size. */
export function checkSizes(map: PixelMap, region: Mask): void {
  for (const [what, { width, height, data }] of Object.entries({ map, region }))
    if (data?.length !== width * height || width !== map.width || height !== map.height)
      throw new UserError(
        "invalid-input",
        `invalid ${what}: expected ${map.width} x ${map.height} values, seen ${data?.length} as ${width} x ${height}`,
      );
}

/** A box in whole pixels of a picture. */
export function clip([x0, y0, x1, y1]: Box, width: number, height: number): Box {
  const within = (value: number, most: number) => Math.min(most, Math.max(0, Math.round(value)));
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
}

/** The fraction of a map's positive values that falls on a region; a blank map has none. */
export function energyOn(map: PixelMap, mask: Mask): number {
  checkSizes(map, mask);
  const [{ data }, { data: region }] = [map, mask];
  let [inside, all] = [0, 0];
  for (let i = 0; i < data.length; i++)
    if (data[i] > 0) {
      all += data[i];
      inside += data[i] * region[i];
    }
  return all > 0 ? inside / all : 0;
}

/** Whether a place is in a region, or less than `tolerance` pixels from the centre of one of its pixels (Euclidean). */
export function near({ x, y }: Point, { width, height, data }: Mask, tolerance: number): boolean {
  const reach = Math.max(0.5, tolerance);
  for (let v = Math.max(0, Math.ceil(y - reach)); v <= Math.min(height - 1, y + reach); v++)
    for (let u = Math.max(0, Math.ceil(x - reach)); u <= Math.min(width - 1, x + reach); u++) {
      const inside = Math.abs(u - x) <= 0.5 && Math.abs(v - y) <= 0.5;
      if (data[v * width + u] && (inside || Math.hypot(u - x, v - y) < tolerance)) return true;
    }
  return false;
}
