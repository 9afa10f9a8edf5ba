/**
 * @file Felzenszwalb's segments (Felzenszwalb and Huttenlocher 2004, doi 10.1023/B:VISI.0000022288.19776.77): pixels joined along the least
 * steps of colour first, as long as a step is no larger than the steps inside both of what it joins.
 *
 *   join A and B by a step w if w < min( I(A) + s / |A|, I(B) + s / |B| )
 *
 * I is the largest step that joined a segment, |A| its number of pixels, and s the scale: the larger, the fewer segments. Of signals,
 * pictures and volumes alike: a pixel has a step to each of its neighbours, diagonal ones too.
 */

/** The same labels as scikit-image's `felzenszwalb` on a smoothed picture. */
export interface Felzenszwalb {
  /** In the unit of the values; scikit-image's is 255 times as large. */
  readonly scale: number;
  /** Pixels that a segment has at the least. */
  readonly least: number;
}

/** Steps of a picture, in ascending order: between which pixels, and how large. */
export interface PixelSteps {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly sizes: Float64Array;
  readonly pixels: number;
}

/** The steps between neighbours of a picture [channels, ...grid]: they are the same for segments of every scale. */
export function pixelSteps(values: Float64Array, [channels = 1, ...grid]: readonly number[]): PixelSteps {
  const pixels = values.length / channels;
  const offsets = halfNeighbours(grid.length);
  const [from, to, sizes]: [number[], number[], number[]] = [[], [], []];
  const place = grid.map(() => 0);
  for (let p = 0; p < pixels; p++) {
    for (const offset of offsets) {
      let [q, inside] = [0, true];
      for (let axis = 0; axis < grid.length; axis++) {
        const at = place[axis] + offset[axis];
        if (at < 0 || at >= grid[axis]) inside = false;
        q = q * grid[axis] + at;
      }
      if (!inside) continue;
      let square = 0;
      for (let c = 0; c < channels; c++) square += (values[c * pixels + p] - values[c * pixels + q]) ** 2;
      from.push(p);
      to.push(q);
      sizes.push(Math.sqrt(square));
    }
    for (let axis = grid.length - 1; axis >= 0 && ++place[axis] === grid[axis]; axis--) place[axis] = 0;
  }
  const order = Uint32Array.from(sizes, (_, i) => i).sort((a, b) => sizes[a] - sizes[b] || a - b);
  const ordered = (values: readonly number[]) => Int32Array.from(order, (i) => values[i]);
  return { from: ordered(from), to: ordered(to), sizes: Float64Array.from(order, (i) => sizes[i]), pixels };
}

/** Ways to one of each two neighbours that lie opposite. */
function halfNeighbours(axes: number): number[][] {
  const all = Array.from({ length: 3 ** axes }, (_, i) =>
    Array.from({ length: axes }, (_, axis) => (Math.floor(i / 3 ** (axes - 1 - axis)) % 3) - 1),
  );
  return all.slice((all.length + 1) / 2);
}

/** The segment of each pixel, from 0 on. */
export function felzenszwalb({ from, to, sizes, pixels }: PixelSteps, { scale, least }: Felzenszwalb): Int32Array {
  const parent = Int32Array.from({ length: pixels }, (_, p) => p);
  const counts = new Float64Array(pixels).fill(1);
  const inner = new Float64Array(pixels);
  const rootOf = (pixel: number): number => {
    let root = pixel;
    while (parent[root] !== root) root = parent[root];
    for (let p = pixel; parent[p] !== root; ) [p, parent[p]] = [parent[p], root];
    return root;
  };
  const join = (a: number, b: number): number => {
    const [root, other] = [Math.min(a, b), Math.max(a, b)];
    parent[other] = root;
    counts[root] += counts[other];
    return root;
  };
  for (let e = 0; e < sizes.length; e++) {
    const [a, b] = [rootOf(from[e]), rootOf(to[e])];
    if (a === b || sizes[e] >= Math.min(inner[a] + scale / counts[a], inner[b] + scale / counts[b])) continue;
    inner[join(a, b)] = sizes[e];
  }
  for (let e = 0; e < sizes.length; e++) {
    const [a, b] = [rootOf(from[e]), rootOf(to[e])];
    if (a !== b && (counts[a] < least || counts[b] < least)) join(a, b);
  }
  const names = new Map<number, number>();
  return Int32Array.from(parent, (_, p) => {
    const root = rootOf(p);
    const name = names.get(root) ?? names.size;
    names.set(root, name);
    return name;
  });
}
