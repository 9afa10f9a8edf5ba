/**
 * @file Superpixels by SLIC (Achanta et al. 2012, doi 10.1109/TPAMI.2012.120): pixels that are near to each other and of like colour, by k-means.
 *
 *   D^2 = |x - x_k|^2 / S^2 + |c - c_k|^2 / m^2
 *
 * S is the distance of the first centres, which lie on a grid, m the compactness. A centre looks for its pixels within 2 S. Afterwards each
 * superpixel is made one piece: what is torn off joins a neighbour. Colours are compared as they come, in a range of 0 to 1 over all channels.
 */

/** The same labels as scikit-image's `slic(..., convert2lab=False, start_label=0)`. */
export interface Slic {
  /** About how many superpixels. */
  readonly segments: number;
  /** How much more nearness counts than colour. */
  readonly compactness: number;
}

const iterations = 10;

/** The superpixel of each pixel of a picture [channels, height, width], from 0 on. */
export function slic(
  data: Float32Array,
  [channels = 1, height = 1, width = 1]: readonly number[],
  { segments, compactness }: Slic,
): Int32Array {
  const plane = height * width;
  const colours = scaled(data, compactness);
  const { centres, count, step } = startingCentres(height, width, segments, channels);
  const of = 2 + channels;
  const nearest = new Int32Array(plane);
  const distances = new Float64Array(plane);
  for (let iteration = 0; iteration < iterations; iteration++) {
    let changed = false;
    distances.fill(Number.POSITIVE_INFINITY);
    for (let k = 0; k < count; k++) {
      const [y, x] = [centres[k * of], centres[k * of + 1]];
      const [top, bottom] = [Math.trunc(Math.max(y - 2 * step, 0)), Math.trunc(Math.min(y + 2 * step + 1, height))];
      const [left, right] = [Math.trunc(Math.max(x - 2 * step, 0)), Math.trunc(Math.min(x + 2 * step + 1, width))];
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) {
          const p = row * width + column;
          let distance = ((row - y) ** 2 + (column - x) ** 2) / step ** 2;
          for (let c = 0; c < channels; c++) distance += (colours[c * plane + p] - centres[k * of + 2 + c]) ** 2;
          if (distance >= distances[p]) continue;
          distances[p] = distance;
          nearest[p] = k;
          changed = true;
        }
    }
    if (!changed) break;
    moveCentres(centres, nearest, colours, width);
  }
  const mean = plane / count;
  return connected(nearest, width, Math.trunc(0.5 * mean), Math.trunc(3 * mean));
}

/** Values from 0 to 1 over the compactness. */
function scaled(data: Float32Array, compactness: number): Float64Array {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const by = 1 / ((most - least || 1) * compactness);
  return Float64Array.from(data, (value) => (value - least) * by);
}

/** Centres on a grid as near to squares as the picture's sides let it be: a row [y, x, ...colour] each. */
function startingCentres(height: number, width: number, segments: number, channels: number) {
  const grid = gridOf(height, width, segments);
  const places = (length: number, { start, step }: { readonly start: number; readonly step: number }) =>
    Array.from({ length: Math.max(0, Math.ceil((length - start) / step)) }, (_, i) => start + i * step);
  const across = places(width, grid[1]);
  const at = places(height, grid[0]).flatMap((y) => across.map((x) => [y, x] as const));
  const centres = new Float64Array(at.length * (2 + channels));
  for (const [k, place] of at.entries()) centres.set(place, k * (2 + channels));
  return { centres, count: at.length, step: Math.max(grid[0].step, grid[1].step) };
}

/** Where centres start and how far apart they are along each side, so that there are about so many. */
function gridOf(height: number, width: number, segments: number) {
  if (height * width <= segments) return [0, 1].map(() => ({ start: 0, step: 1 }));
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  const square = Math.sqrt((height * width) / segments);
  const [ofShort, ofLong] = short < square ? [short, long / segments] : [square, square];
  const placed = [ofShort, ofLong].map((step) => ({ start: Math.floor(step / 2), step: roundHalfEven(step) }));
  return height <= width ? placed : placed.toReversed();
}

function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const part = value - low;
  return part === 0.5 ? low + (low % 2) : Math.round(value);
}

/** Each centre becomes the mean of its pixels, in place and colour. */
function moveCentres(centres: Float64Array, nearest: Int32Array, colours: Float64Array, width: number): void {
  const plane = nearest.length;
  const of = 2 + colours.length / plane;
  const counts = new Float64Array(centres.length / of);
  centres.fill(0);
  for (let p = 0; p < plane; p++) {
    const k = nearest[p];
    counts[k]++;
    centres[k * of] += Math.floor(p / width);
    centres[k * of + 1] += p % width;
    for (let c = 2; c < of; c++) centres[k * of + c] += colours[(c - 2) * plane + p];
  }
  for (let v = 0; v < centres.length; v++) centres[v] /= counts[Math.floor(v / of)];
}

/** Labels anew, in the order in which they are met, a piece each: too small a piece joins one beside it, too large a one is cut. */
function connected(labels: Int32Array, width: number, least: number, most: number): Int32Array {
  const out = new Int32Array(labels.length).fill(-1);
  const piece = new Int32Array(Math.max(1, most));
  let next = 0;
  for (let start = 0; start < labels.length; start++) {
    if (out[start] >= 0) continue;
    let [beside, size] = [0, 1];
    out[start] = next;
    piece[0] = start;
    for (let visited = 0; visited < size && size < most; visited++) {
      const p = piece[visited];
      const column = p % width;
      for (let side = 0; side < 4 && size < most; side++) {
        if ((side === 0 && column === width - 1) || (side === 1 && column === 0)) continue;
        const q = p + (side === 0 ? 1 : side === 1 ? -1 : side === 2 ? width : -width);
        if (q < 0 || q >= labels.length) continue;
        if (out[q] < 0 && labels[q] === labels[start]) {
          out[q] = next;
          piece[size++] = q;
        } else if (out[q] >= 0 && out[q] !== next) beside = out[q];
      }
    }
    if (size < least) for (let i = 0; i < size; i++) out[piece[i]] = beside;
    else next++;
  }
  return out;
}
