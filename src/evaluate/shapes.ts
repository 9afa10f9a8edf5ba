/** @file Pixels of annotated things: polygons, and COCO's run lengths (arXiv 1405.0312; the format is pycocotools' maskApi). */
import { UserError } from "../errors.ts";
import type { Mask } from "./metrics/metric.ts";

interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Run lengths down the columns, beginning with what is outside: numbers, or their compressed text. */
export interface Runs {
  readonly counts: readonly number[] | string;
  /** [height, width] */
  readonly size: readonly [number, number];
}

/**
 * Pixels whose centre is inside of a polygon (even-odd), of several: inside of any.
 * @param polygons [x, y, x, y ...] in pixels, edges as whole numbers
 */
export function fromPolygons(polygons: readonly (readonly number[])[], { width, height }: Extent): Mask {
  const data = new Uint8Array(width * height);
  for (const polygon of polygons) {
    if (polygon.length < 6 || polygon.length % 2 || !polygon.every(Number.isFinite))
      throw new UserError(
        "invalid-input",
        `invalid polygon: ${polygon.length} numbers, expected x and y of 3 points or more`,
      );
    const points = Array.from({ length: polygon.length / 2 }, (_, i) => [polygon[2 * i], polygon[2 * i + 1]] as const);
    for (let y = 0; y < height; y++) {
      const crossings = crossingsAt(points, y + 0.5);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const from = Math.max(0, Math.ceil(crossings[i] - 0.5));
        const to = Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
        if (to > from) data.fill(1, y * width + from, y * width + to);
      }
    }
  }
  return { width, height, data };
}

/** Where a horizontal line crosses the edges, from left to right. */
function crossingsAt(points: readonly (readonly [number, number])[], y: number): number[] {
  const crossings: number[] = [];
  points.forEach(([x1, y1], i) => {
    const [x0, y0] = points[(i || points.length) - 1];
    if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  });
  return crossings.sort((a, b) => a - b);
}

/** @throws UserError `invalid-input` for runs that do not fill their size, or a size that is not the picture's. */
export function fromRuns({ counts, size: [height, width] }: Runs, picture: Extent): Mask {
  if (height !== picture.height || width !== picture.width)
    throw new UserError(
      "invalid-input",
      `invalid run lengths: for ${width} x ${height} pixels, the picture has ${picture.width} x ${picture.height}`,
    );
  const runs = typeof counts === "string" ? decompress(counts) : counts;
  const data = new Uint8Array(width * height);
  let at = 0;
  runs.forEach((run, i) => {
    for (let end = Math.min(data.length, at + run); i % 2 && at < end; at++)
      data[(at % height) * width + Math.floor(at / height)] = 1;
    if (i % 2 === 0) at += run;
  });
  const total = runs.reduce((a, b) => a + b, 0);
  if (total !== data.length || runs.some((run) => !(run >= 0)))
    throw new UserError("invalid-input", `invalid run lengths: they fill ${total} pixels, expected ${data.length}`);
  return { width, height, data };
}

/** Five bits a character from "0" on, the sixth says that more follow; from the third run on, differences to the last but one. */
function decompress(text: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < text.length; ) {
    let [value, shift, more] = [0, 0, true];
    while (more) {
      const bits = text.charCodeAt(at++) - 48;
      if (!(bits >= 0 && bits < 64) || shift > 30)
        throw new UserError("invalid-input", "invalid run lengths: not COCO's compressed form");
      value |= (bits & 31) << shift;
      shift += 5;
      more = (bits & 32) !== 0;
      if (!more && bits & 16 && shift < 32) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}
