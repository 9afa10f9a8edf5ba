/** @file Where a map of a volume points: its peak, and the box of the localisation protocol, as `locate.ts` has them for pictures. */

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

/** The first voxel, slice by slice and row by row, that has the map's maximum; undefined when nothing is above 0. */
export function peak3({ data, dims: [, height, width] }: VoxelMap): Point3 | undefined {
  const at = largest(data);
  return at < 0 ? undefined : pointAt(at, height, width);
}

/** The bounding box of the largest segment, connected over corners too, of voxels at or above `threshold` times the maximum. */
export function box3({ data, dims: [depth, height, width] }: VoxelMap, threshold = 0.15): Box3 | undefined {
  const top = largest(data);
  if (top < 0) return undefined;
  const least = threshold * data[top];
  const seen = new Uint8Array(data.length);
  let best: { size: number; box: Box3 } | undefined;
  for (let start = 0; start < data.length; start++) {
    if (seen[start] || !(data[start] >= least)) continue;
    const waiting = [start];
    seen[start] = 1;
    let size = 0;
    let [x0, y0, z0, x1, y1, z1] = [width, height, depth, 0, 0, 0];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const { x, y, z } = pointAt(at, height, width);
      size++;
      [x0, y0, z0] = [Math.min(x0, x), Math.min(y0, y), Math.min(z0, z)];
      [x1, y1, z1] = [Math.max(x1, x + 1), Math.max(y1, y + 1), Math.max(z1, z + 1)];
      for (let c = Math.max(0, z - 1); c <= Math.min(depth - 1, z + 1); c++)
        for (let b = Math.max(0, y - 1); b <= Math.min(height - 1, y + 1); b++)
          for (let a = Math.max(0, x - 1); a <= Math.min(width - 1, x + 1); a++) {
            const next = (c * height + b) * width + a;
            if (seen[next] || !(data[next] >= least)) continue;
            seen[next] = 1;
            waiting.push(next);
          }
    }
    if (!best || size > best.size) best = { size, box: [x0, y0, z0, x1, y1, z1] };
  }
  return best?.box;
}

function largest(data: Float32Array): number {
  let [best, most] = [-1, 0];
  for (let i = 0; i < data.length; i++)
    if (data[i] > most && data[i] < Number.POSITIVE_INFINITY) [best, most] = [i, data[i]];
  return best;
}

const pointAt = (at: number, height: number, width: number): Point3 => ({
  x: at % width,
  y: Math.floor(at / width) % height,
  z: Math.floor(at / (width * height)),
});
