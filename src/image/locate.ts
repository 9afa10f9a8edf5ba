/**
 * @file Where a map points: its peak, and the box of the localisation protocol (ILSVRC, arXiv 1610.02391 section 4.1).
 *
 * Both turn with the map: mirrored or turned, it points at the same place of the picture. A blank map, without a value above 0, points
 * nowhere; saying (0, 0) would count as a hit now and then.
 */

import type { Geometry, Range } from "./geometry.ts";
import type { PixelMap } from "./picture.ts";
import { boundsOf, largest, middleOf, order, PLATEAU, type Segment } from "./segment.ts";

/** The threshold of the protocol. */
const protocol = 0.15;

/** A place in pixels, whose own centres are at whole numbers: 7.5 is between pixels 7 and 8. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pixels `x0 <= x < x1`, `y0 <= y < y1`. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/**
 * What is called the peak of a map: the centre of the plateau of its maximum, or the first pixel, row by row, that has the maximum, as
 * the published protocols of the pointing game have it: on a cell at the border that is the picture's edge, at the top and left only.
 */
export const peakRules = ["centre", "first"] as const;
export type PeakRule = (typeof peakRules)[number];

/** What counts as a map's peak. */
export interface PeakOptions {
  /** "centre" unless told. */
  readonly rule?: PeakRule;
  /** Rows and columns between the centres of the map's cells, where these are known: beyond, the map only continues its border. */
  readonly within?: readonly [rows: Range, columns: Range];
}

/**
 * A map's peak; undefined when the map is blank. What is not finite is outside.
 *
 * The plateau is a connected part (corners included) that has the map's maximum, up to rounding. Of several, the one with the most pixels
 * is meant, of equals the one nearest to the map's middle, and of those that nothing tells apart, the mean of their centres.
 */
export function peak(map: PixelMap, options: PeakOptions = {}): Point | undefined {
  const top = largest(map.data);
  return top && peakUnder(top, map, options);
}

/** The value at a map's peak; 0 when the map is blank. */
export const maximum = ({ data }: PixelMap): number => largest(data)?.value ?? 0;

/** @param runs which hold all that is near to the maximum, where they are known */
function peakUnder({ at, value }: Top, map: PixelMap, { rule, within }: PeakOptions, runs?: readonly Run[]): Point {
  const { width, height } = map;
  if (rule === "first") return { x: at % width, y: Math.floor(at / width) };
  const inside = within && peak(part(map, within));
  if (inside) return { x: inside.x + within[1][0], y: inside.y + within[0][0] };
  const [x, y] = middleOf(joined(runsAbove(map, value * (1 - PLATEAU), runs), map), [width, height]);
  return { x, y };
}

function part(
  { data, width }: PixelMap,
  [[top, bottom], [left, right]]: readonly [rows: Range, columns: Range],
): PixelMap {
  const values = new Float32Array((bottom - top) * (right - left));
  for (let y = top; y < bottom; y++)
    values.set(data.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  return { width: right - left, height: bottom - top, data: values };
}

/**
 * The bounding box of the largest connected segment of pixels at or above `threshold` times the maximum; undefined when the map
 * is blank. What is not finite is outside.
 *
 * Segments connect over corners too (8-connected, as with OpenCV's contours). The largest has the most pixels; of equals it is the one
 * with the larger sum of values, then the one nearest to the map's middle; the box is around all of those that nothing tells apart.
 *
 * @param threshold 0..1; 0.15 by the protocol
 */
export function box(map: PixelMap, { threshold = protocol }: { threshold?: number } = {}): Box | undefined {
  const top = largest(map.data);
  return top && boxAround(segmentsAbove(levelOf(top, threshold), map), map);
}

/** A map's {@link peak} and its {@link box} by the protocol, of which a blank map has neither. */
export function locate(map: PixelMap, options: PeakOptions = {}): { readonly peak?: Point; readonly box?: Box } {
  const top = largest(map.data);
  if (!top) return {};
  const runs = runsAbove(map, levelOf(top, protocol));
  return { peak: peakUnder(top, map, options, runs), box: boxAround(joined(runs, map), map) };
}

/** {@link locate} of a map that lies on a picture, in the pixels of the original where that was shrunk. */
export function locateOn(
  { canvas, original }: Geometry,
  map: PixelMap,
  options: PeakOptions = {},
): ReturnType<typeof locate> {
  const found = locate(map, options);
  if (!canvas || !found.peak || !found.box) return found;
  const [x, y] = [original.width / canvas.width, original.height / canvas.height];
  const [x0, y0, x1, y1] = found.box;
  return {
    // Centres of pixels are half a pixel from their edges, whatever their size.
    peak: { x: (found.peak.x + 0.5) * x - 0.5, y: (found.peak.y + 0.5) * y - 0.5 },
    box: [Math.round(x0 * x), Math.round(y0 * y), Math.round(x1 * x), Math.round(y1 * y)],
  };
}

/** The {@link box}, and the bounding boxes of all such segments, the largest first; undefined when the map is blank. */
export function boxes(
  map: PixelMap,
  { threshold = protocol }: { threshold?: number } = {},
): { readonly largest: Box; readonly all: readonly Box[] } | undefined {
  const top = largest(map.data);
  if (!top) return undefined;
  const segments = segmentsAbove(levelOf(top, threshold), map);
  const extent = [map.width, map.height];
  const all = segments.sort((a, b) => order(a, b, extent)).map(({ low, high }) => asBox(low, high));
  return { largest: boxAround(segments, map), all };
}

type Top = NonNullable<ReturnType<typeof largest>>;

/** What is at the level but for rounding is at the level. */
const levelOf = ({ value }: Top, threshold: number): number => value * threshold * (1 - PLATEAU);

const asBox = (low: readonly number[], high: readonly number[]): Box => [low[0], low[1], high[0], high[1]];

function boxAround(segments: readonly Segment[], { width, height }: PixelMap): Box {
  const { low, high } = boundsOf(segments, [width, height]);
  return asBox(low, high);
}

/** The connected parts of a map at or above a level. */
function segmentsAbove(level: number, map: PixelMap): Segment[] {
  return joined(runsAbove(map, level), map);
}

function joined(runs: Run[], map: PixelMap): Segment[] {
  connect(runs);
  return segmentsOf(runs, map);
}

/** Pixels of one row in a line, `from <= x < to`, and the segment they belong to: the index of one of its earlier runs, or their own. */
interface Run {
  readonly y: number;
  readonly from: number;
  readonly to: number;
  parent: number;
}

/** @param within runs outside of which nothing is above the level; by default all rows */
function runsAbove({ data, width, height }: PixelMap, level: number, within?: readonly Run[]): Run[] {
  const runs: Run[] = [];
  const inside = (value: number) => value >= level && value < Number.POSITIVE_INFINITY;
  const count = within?.length ?? height;
  for (let i = 0; i < count; i++) {
    const { y, from: start, to: end } = within?.[i] ?? { y: i, from: 0, to: width };
    for (let x = start, row = y * width; x < end; x++) {
      if (!inside(data[row + x])) continue;
      const from = x;
      while (x < end && inside(data[row + x])) x++;
      runs.push({ y, from, to: x, parent: runs.length });
    }
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

function segmentsOf(runs: Run[], { data, width }: PixelMap): Segment[] {
  // Asked for only where sizes are equal, and then of all at once: a periodic map has thousands of equal ones.
  let sums: Map<number, number> | undefined;
  const sumOf = (segment: number) => {
    sums ??= sumsOf(runs, { data, width });
    return sums.get(segment) ?? 0;
  };
  const segments = new Map<number, { size: number; sum: number; places: number[]; low: number[]; high: number[] }>();
  for (const [i, { y, from, to }] of runs.entries()) {
    const at = root(runs, i);
    const length = to - from;
    const [across, down] = [((from + to - 1) * length) / 2, y * length];
    const segment = segments.get(at);
    if (segment) {
      segment.size += length;
      segment.places[0] += across;
      segment.places[1] += down;
      segment.low[0] = Math.min(segment.low[0], from);
      segment.high[0] = Math.max(segment.high[0], to);
      segment.high[1] = y + 1;
    } else {
      const made = { size: length, places: [across, down], low: [from, y], high: [to, y + 1] };
      segments.set(at, Object.defineProperty(made as typeof made & { sum: number }, "sum", { get: () => sumOf(at) }));
    }
  }
  return [...segments.values()];
}

/** The sum of each segment's values, by its root. */
function sumsOf(runs: Run[], { data, width }: Pick<PixelMap, "data" | "width">): Map<number, number> {
  const sums = new Map<number, number>();
  for (const [i, { y, from, to }] of runs.entries()) {
    const at = root(runs, i);
    let sum = sums.get(at) ?? 0;
    for (let x = from; x < to; x++) sum += data[y * width + x];
    sums.set(at, sum);
  }
  return sums;
}
