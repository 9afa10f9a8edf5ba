/**
 * @file Resizing, equal to Pillow's `Image.resize`, since that is what the networks were trained behind.
 *
 * The filters are antialiased: their support widens with the shrinking factor. As in Pillow there are two passes, across and then
 * down, with weights in 22-bit fixed point and a rounding to 8 bits between them. Only what the crop needs is computed.
 */

import { type Picture, picture } from "./picture.ts";
import { resampleDeep, type Taps } from "./resample-deep.ts";

/** A filter's reach in source pixels when enlarging, and its weight at a distance from its centre. */
interface Filter {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const antialiased = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic convolution with a = -0.5.
  bicubic: {
    support: 2,
    weight: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Record<string, Filter>;

/** The filters of {@link resample}, under Pillow's names. */
export const filters = ["nearest", "bilinear", "bicubic", "lanczos"] as const;
export type FilterName = (typeof filters)[number];

/** A part of the resized picture, in its pixels; inside it. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Resizes a picture to `width` x `height`, and returns the part of it that `crop` names (the whole unless told).
 *
 * Pillow's `image.resize((width, height), filter).crop(...)` to the bit (Pillow 13; earlier ones and torchvision
 * differ by a level here and there).
 */
export function resample(
  source: Picture,
  width: number,
  height: number,
  filter: FilterName,
  crop: Crop = { left: 0, top: 0, width, height },
): Picture {
  // At the size that it has a picture stays as it is, by every filter.
  if (filter === "nearest" || (source.width === width && source.height === height))
    return nearest(source, width, height, crop);
  const eight = picture8(source, width, height, filter, crop);
  if (!source.deep) return eight;
  const sides = [
    exactTaps(source.width, width, crop.left, crop.width, antialiased[filter]),
    exactTaps(source.height, height, crop.top, crop.height, antialiased[filter]),
  ] as const;
  return { ...eight, deep: resampleDeep(source.deep, source, sides, downFirst(source, width, height)) };
}

/** The order shows in the rounding between the passes. Pillow 13 goes down first where that is much the greater shrinking. */
function downFirst(source: Picture, width: number, height: number): boolean {
  const shrinking = source.height - height;
  return shrinking > 0 && shrinking > 2 * (source.width - width);
}

function picture8(
  source: Picture,
  width: number,
  height: number,
  filter: keyof typeof antialiased,
  crop: Crop,
): Picture {
  const across = taps(source.width, width, crop.left, crop.width, antialiased[filter]);
  const down = taps(source.height, height, crop.top, crop.height, antialiased[filter]);
  // A size that stays has one weight of 1 a pixel, so that its pass only copies: Pillow leaves it out, with the same result.
  if (downFirst(source, width, height)) {
    const rows = passDown(source.data, source.width * 3, down, 0);
    return picture(crop.width, crop.height, passAcross(rows, source.width, across, 0, crop.height));
  }
  const first = down.starts[0];
  const last = down.starts[crop.height - 1] + down.counts[crop.height - 1];
  const rows = passAcross(source.data, source.width, across, first, last);
  return picture(crop.width, crop.height, passDown(rows, crop.width * 3, down, first));
}

/** The picture itself if it fits into `most` x `most` pixels, else shrunk to fit: for embedding in a figure. */
export function shrinkToFit(source: Picture, most: number): Picture {
  const ratio = most / Math.max(source.width, source.height);
  if (ratio >= 1) return source;
  const [width, height] = [source.width, source.height].map((side) => Math.max(1, Math.round(side * ratio)));
  return resample(source, width, height, "bilinear");
}

/** Fixed point of the weights: 32 bits less 8 of the pixel and 2 for weights that sum above 1 on the way. */
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

function taps(from: number, to: number, offset: number, length: number, filter: Filter): Taps {
  const exact = exactTaps(from, to, offset, length, filter);
  const fixed = (weight: number) => weight * (1 << PRECISION);
  const rounded = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));
  return { ...exact, weights: Int32Array.from(exact.weights, (weight) => rounded(fixed(weight))) };
}

function exactTaps(from: number, to: number, offset: number, length: number, filter: Filter): Taps<Float64Array> {
  const scale = from / to;
  const widening = Math.max(1, scale);
  const support = filter.support * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Float64Array(length * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const centre = (offset + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    // Divided by way of the reciprocal, as Pillow does: the last bit of a weight can depend on it.
    const narrowing = 1 / widening;
    for (let k = 0; k < count; k++) {
      exact[k] = filter.weight((k + start - centre + 0.5) * narrowing);
      sum += exact[k];
    }
    for (let k = 0; k < count; k++) weights[i * stride + k] = sum === 0 ? exact[k] : exact[k] / sum;
    starts[i] = start;
    counts[i] = count;
  }
  return { starts, counts, weights, stride };
}

/** Rows `first` to `last` of pixels that are `width` to a row, each row made as long as there are taps. */
function passAcross(data: Uint8Array, width: number, taps: Taps, first: number, last: number): Uint8Array {
  const { starts, counts, weights, stride } = taps;
  const out = new Uint8ClampedArray((last - first) * starts.length * 3);
  let at = 0;
  for (let y = first; y < last; y++) {
    for (let x = 0; x < starts.length; x++) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = (y * width + starts[x]) * 3;
      const end = x * stride + counts[x];
      for (let k = x * stride; k < end; k++, from += 3) {
        const weight = weights[k];
        red = (red + Math.imul(data[from], weight)) | 0;
        green = (green + Math.imul(data[from + 1], weight)) | 0;
        blue = (blue + Math.imul(data[from + 2], weight)) | 0;
      }
      out[at++] = red >> PRECISION;
      out[at++] = green >> PRECISION;
      out[at++] = blue >> PRECISION;
    }
  }
  return new Uint8Array(out.buffer);
}

/** As many rows of `length` bytes as there are taps, made of rows of which the first is the source's row `first`. */
function passDown(
  rows: Uint8Array,
  length: number,
  { starts, counts, weights, stride }: Taps,
  first: number,
): Uint8Array {
  const out = new Uint8ClampedArray(starts.length * length);
  const sums = new Int32Array(length);
  for (let y = 0; y < starts.length; y++) {
    sums.fill(HALF);
    for (let k = 0; k < counts[y]; k++) {
      const weight = weights[y * stride + k];
      const from = (starts[y] - first + k) * length;
      for (let x = 0; x < length; x++) sums[x] += Math.imul(rows[from + x], weight);
    }
    for (let x = 0; x < length; x++) out[y * length + x] = sums[x] >> PRECISION;
  }
  return new Uint8Array(out.buffer);
}

function nearest({ width, data, height, deep }: Picture, toWidth: number, toHeight: number, crop: Crop): Picture {
  const columns = steps(width, toWidth, crop.left, crop.width);
  const rows = steps(height, toHeight, crop.top, crop.height);
  const out = new Uint8Array(crop.width * crop.height * 3);
  const outDeep = deep && new Uint16Array(out.length);
  let at = 0;
  for (const y of rows)
    for (const x of columns) {
      const from = (y * width + x) * 3;
      if (deep && outDeep) outDeep.set(deep.subarray(from, from + 3), at);
      out[at++] = data[from];
      out[at++] = data[from + 1];
      out[at++] = data[from + 2];
    }
  return { ...picture(crop.width, crop.height, out), ...(outDeep && { deep: outDeep }) };
}

/** The source pixel under the centre of each target pixel, by the repeated addition whose rounding Pillow has. */
function steps(from: number, to: number, offset: number, length: number): Int32Array {
  const scale = from / to;
  const all = new Int32Array(length);
  let position = scale * 0.5;
  for (let i = 0; i < offset + length; i++, position += scale)
    if (i >= offset) all[i - offset] = Math.min(from - 1, Math.trunc(position));
  return all;
}
