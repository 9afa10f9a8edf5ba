/**
 * @file From an explanation's values to what can be shown: 0..1 for maps, a picture for gradients.
 *
 * Maps are divided by their maximum, never stretched from their minimum: 0 means "no evidence" and must stay 0, and a map without
 * any evidence must not become noise.
 */

import { type Picture, type PixelMap, picture } from "../image/picture.ts";

/** The map divided by its maximum: 0..1, what is below 0 as 0, a map without a value above 0 as 0 throughout, NaN as NaN. */
export function normalise({ width, height, data }: PixelMap): PixelMap {
  return { width, height, data: overMaximum(data) };
}

/** The same of numbers in any order. */
export function overMaximum(data: Float32Array): Float32Array {
  let most = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > most && data[i] < Number.POSITIVE_INFINITY) most = data[i];
  const shares = new Float32Array(data.length);
  // NaN is not below 0, and passes through the division.
  for (let i = 0; i < data.length; i++) shares[i] = data[i] <= 0 ? 0 : Math.min(1, data[i] / most);
  return shares;
}

/** The part of the values other than 0 that is shown without being cut off. */
const SHOWN = 0.995;
/** How pixels are shown where there is no value. */
const OUTSIDE = 236;

/**
 * A signed gradient image (guided backpropagation, Guided Grad-CAM) as a picture: 0 is mid grey, both signs have the same scale,
 * and that scale is the 99.5th percentile of the magnitudes other than 0 of all three channels, so that a few extreme pixels
 * do not make the rest invisible. All 0 is all grey; NaN (where the network did not look) is light.
 *
 * @param data [3, height, width], red, green, blue
 */
export function guidedImage(data: Float32Array, width: number, height: number): Picture {
  const out = picture(width, height);
  const scale = magnitudeAt(data, SHOWN);
  const plane = width * height;
  for (let i = 0, at = 0; i < plane; i++)
    for (let c = 0; c < 3; c++, at++) {
      const value = data[c * plane + i];
      if (Number.isNaN(value)) out.data[at] = OUTSIDE;
      else out.data[at] = scale === 0 ? 128 : Math.round(128 + 127 * Math.min(1, Math.max(-1, value / scale)));
    }
  return out;
}

/**
 * The magnitude that a share of the finite values other than 0 does not exceed; 0 if there is none.
 *
 * Magnitudes are counted by the upper half of their bits (exponent and 7 bits of fraction), which orders them to within 1 % in one
 * pass: sorting the 36 million values of a photograph would take seconds.
 */
function magnitudeAt(data: Float32Array, share: number): number {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const counts = new Uint32Array(1 << 15);
  let total = 0;
  for (const word of bits) {
    const upper = (word & 0x7fffffff) >>> 16;
    if ((word & 0x7fffffff) === 0 || upper >= 0x7f80) continue;
    counts[upper]++;
    total++;
  }
  if (total === 0) return 0;
  let upper = -1;
  for (let seen = 0; seen < share * total; ) seen += counts[++upper];
  return new Float32Array(new Uint32Array([(upper << 16) | 0xffff]).buffer)[0];
}
