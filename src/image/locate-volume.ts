/** @file Where a map of a volume points: its peak, and the box of the localisation protocol, as `locate.ts` has them for pictures. */
import type { Range } from "./geometry.ts";
import type { PeakRule } from "./locate.ts";
import { boundsOf, largest, middleOf, PLATEAU, type Segment } from "./segment.ts";

/** A voxel: across, down, and the slice. */
export interface Point3 {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Voxels `x0 <= x < x1`, `y0 <= y < y1`, `z0 <= z < z1`. */
export type Box3 = readonly [x0: number, y0: number, z0: number, x1: number, y1: number, z1: number];

/** One number for each voxel, [depth, height, width]. */
export interface VoxelMap {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** As {@link peak} of a picture's map; undefined when nothing is above 0. */
export function peak3(
  { data, dims: [depth, height, width] }: VoxelMap,
  { rule, within }: { readonly rule?: PeakRule; readonly within?: readonly Range[] } = {},
): Point3 | undefined {
  const top = largest(data);
  if (!top) return undefined;
  if (rule === "first") return pointAt(top.at, height, width);
  const dims = [depth, height, width];
  const inside = within && peak3(part({ data, dims }, within));
  if (inside) return { x: inside.x + within[2][0], y: inside.y + within[1][0], z: inside.z + within[0][0] };
  const [x, y, z] = middleOf(segmentsAbove(top.value * (1 - PLATEAU), { data, dims }), [width, height, depth]);
  return { x, y, z };
}

function part({ data, dims: [, height, width] }: VoxelMap, within: readonly Range[]): VoxelMap {
  const dims = within.map(([from, to]) => to - from);
  const [[front], [top], [left]] = within;
  const size = dims[0] * dims[1] * dims[2];
  const at = (i: number) => {
    const { x, y, z } = pointAt(i, dims[1], dims[2]);
    return ((z + front) * height + y + top) * width + x + left;
  };
  return { data: Float32Array.from({ length: size }, (_, i) => data[at(i)]), dims };
}

/** As {@link box} of a picture's map: around the largest segment, connected over corners too, at or above `threshold` times the maximum. */
export function box3({ data, dims: [depth, height, width] }: VoxelMap, threshold = 0.15): Box3 | undefined {
  const top = largest(data);
  if (!top) return undefined;
  const segments = segmentsAbove(threshold * top.value * (1 - PLATEAU), { data, dims: [depth, height, width] });
  const { low, high } = boundsOf(segments, [width, height, depth]);
  return [low[0], low[1], low[2], high[0], high[1], high[2]];
}

function segmentsAbove(level: number, { data, dims: [depth, height, width] }: VoxelMap): Segment[] {
  const inside = (value: number) => value >= level && value < Number.POSITIVE_INFINITY;
  const seen = new Uint8Array(data.length);
  const segments: Segment[] = [];
  for (let start = 0; start < data.length; start++) {
    if (seen[start] || !inside(data[start])) continue;
    const waiting = [start];
    seen[start] = 1;
    let [size, sum] = [0, 0];
    const places = [0, 0, 0];
    const [low, high] = [
      [width, height, depth],
      [0, 0, 0],
    ];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const { x, y, z } = pointAt(at, height, width);
      size++;
      sum += data[at];
      for (const [axis, place] of [x, y, z].entries()) {
        places[axis] += place;
        low[axis] = Math.min(low[axis], place);
        high[axis] = Math.max(high[axis], place + 1);
      }
      for (let c = Math.max(0, z - 1); c <= Math.min(depth - 1, z + 1); c++)
        for (let b = Math.max(0, y - 1); b <= Math.min(height - 1, y + 1); b++)
          for (let a = Math.max(0, x - 1); a <= Math.min(width - 1, x + 1); a++) {
            const next = (c * height + b) * width + a;
            if (seen[next] || !inside(data[next])) continue;
            seen[next] = 1;
            waiting.push(next);
          }
    }
    segments.push({ size, sum, places, low, high });
  }
  return segments;
}

const pointAt = (at: number, height: number, width: number): Point3 => ({
  x: at % width,
  y: Math.floor(at / width) % height,
  z: Math.floor(at / (width * height)),
});
