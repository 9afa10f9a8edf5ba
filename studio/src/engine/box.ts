/** @file The box that the stage shows, and the map on the grid that it is found on. */
import { type Box, box, type Geometry, normalise, upsample } from "gradcam/web";
import type { Numbers } from "./contract.ts";

/** The longest side of a map on the stage; the browser enlarges it smoothly. */
const most = 336;

/** A map on a finer grid, 0..1. */
export function smooth({ data, dims: [h, w] }: Numbers) {
  const ratio = Math.max(1, Math.floor(most / Math.max(h, w)));
  const [height, width] = [h * ratio, w * ratio];
  return normalise({ width, height, data: ratio === 1 ? data : upsample(data, [h, w], [height, width]) });
}

/** The box around a map's strongest part, in shares of its sides; undefined for a blank map. */
export function boxOf(map: Numbers, threshold: number): Box | undefined {
  const shares = smooth(map);
  const found = box(shares, { threshold });
  if (!found) return undefined;
  const [x0, y0, x1, y1] = found;
  return [x0 / shares.width, y0 / shares.height, x1 / shares.width, y1 / shares.height];
}

/** In pixels of the picture. */
export function onPicture([x0, y0, x1, y1]: Box, { input, original, left, top, scaleX, scaleY }: Geometry): Box {
  const x = (share: number) => within(left + share * input.width * scaleX, original.width);
  const y = (share: number) => within(top + share * input.height * scaleY, original.height);
  return [x(x0), y(y0), x(x1), y(y1)];
}

const within = (v: number, most: number): number => Math.min(most, Math.max(0, Math.round(v)));
