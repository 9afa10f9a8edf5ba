/**
 * @file Where a map points: its peak, and the box of the localisation protocol (ILSVRC, arXiv 1610.02391 section 4.1).
 *
 * A blank map, without a value above 0, points nowhere; saying (0, 0) would count as a hit now and then.
 */

import type { PixelMap } from "./picture.ts";

/** The threshold of the protocol. */
const protocol = 0.15;

/** A pixel. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pixels `x0 <= x < x1`, `y0 <= y < y1`. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** The first pixel, row by row, that has the map's maximum; undefined when the map is blank. What is not finite is outside. */
export function peak({ data, width }: PixelMap): Point | undefined {
  let best = -1;
  let most = 0;
  for (let i = 0; i < data.length; i++)
    if (data[i] > most && data[i] < Number.POSITIVE_INFINITY) {
      most = data[i];
      best = i;
    }
  return best < 0 ? undefined : { x: best % width, y: Math.floor(best / width) };
}

/**
 * The bounding box of the largest connected segment of pixels at or above `threshold` times the maximum; undefined when the map
 * is blank. What is not finite is outside.
 *
 * Segments connect over corners too (8-connected, as with OpenCV's contours), the largest has the most pixels, and among equals it
 * is the one whose first pixel, row by row, comes first.
 *
 * @param threshold 0..1; 0.15 by the protocol
 */
export function box(map: PixelMap, options: { threshold?: number } = {}): Box | undefined {
  return boxes(map, options)[0];
}

/** A map's {@link peak} and its {@link box} by the protocol, of which a blank map has neither. */
export function locate(map: PixelMap): { readonly peak?: Point; readonly box?: Box } {
  const top = peak(map);
  return top ? { peak: top, box: boxesUnder(top, map, protocol)[0] } : {};
}

/** The bounding boxes of all such segments, the largest first; none when the map is blank. */
export function boxes(map: PixelMap, { threshold = protocol }: { threshold?: number } = {}): Box[] {
  const top = peak(map);
  return top ? boxesUnder(top, map, threshold) : [];
}

/** The boxes of segments at or above a share of what the map has at its peak. */
function boxesUnder(top: Point, map: PixelMap, threshold: number): Box[] {
  const runs = runsAbove(map, threshold * map.data[top.y * map.width + top.x]);
  connect(runs);
  return boxesOf(runs);
}

/** Pixels of one row in a line, `from <= x < to`, and the segment they belong to: the index of one of its earlier runs, or their own. */
interface Run {
  readonly y: number;
  readonly from: number;
  readonly to: number;
  parent: number;
}

function runsAbove({ data, width, height }: PixelMap, level: number): Run[] {
  const runs: Run[] = [];
  const inside = (value: number) => value >= level && value < Number.POSITIVE_INFINITY;
  for (let y = 0; y < height; y++)
    for (let x = 0, row = y * width; x < width; x++) {
      if (!inside(data[row + x])) continue;
      const from = x;
      while (x < width && inside(data[row + x])) x++;
      runs.push({ y, from, to: x, parent: runs.length });
    }
  return runs;
}

/** Joins each run with those of the row above that it touches, corners included; a segment's root is its first run. */
function connect(runs: Run[]): void {
  let above = 0;
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i];
    while (runs[above].y < run.y - 1 || (runs[above].y === run.y - 1 && runs[above].to < run.from)) above++;
    for (let k = above; runs[k].y === run.y - 1 && runs[k].from <= run.to; k++) {
      const [a, b] = [root(runs, k), root(runs, i)];
      runs[Math.max(a, b)].parent = Math.min(a, b);
    }
  }
}

function root(runs: Run[], index: number): number {
  let i = index;
  while (runs[i].parent !== i) {
    runs[i].parent = runs[runs[i].parent].parent;
    i = runs[i].parent;
  }
  return i;
}

function boxesOf(runs: Run[]): Box[] {
  const segments = new Map<number, { area: number; x0: number; y0: number; x1: number; y1: number }>();
  runs.forEach(({ y, from, to }, i) => {
    const at = root(runs, i);
    const segment = segments.get(at);
    if (segment) {
      segment.area += to - from;
      segment.x0 = Math.min(segment.x0, from);
      segment.x1 = Math.max(segment.x1, to);
      segment.y1 = y + 1;
    } else segments.set(at, { area: to - from, x0: from, y0: y, x1: to, y1: y + 1 });
  });
  // The sort is stable: of equal ones, the one that begins first.
  return [...segments.values()].sort((a, b) => b.area - a.area).map(({ x0, y0, x1, y1 }) => [x0, y0, x1, y1]);
}
