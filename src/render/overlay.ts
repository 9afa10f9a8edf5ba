/**
 * @file A map in colours: over its picture, or alone.
 */

import { expects } from "../errors.ts";
import { type Picture, type PixelMap, picture } from "../image/picture.ts";
import { type ColormapName, colormap, colormaps } from "./colormap.ts";
import { normalise } from "./normalise.ts";

/** How a map is laid over its picture. */
export interface OverlayOptions {
  colormap?: ColormapName;
  /** How much of the colour there is at the map's maximum, 0..1. */
  opacity?: number;
}

/** The share of the opacity that there is at 0. */
const OPACITY_AT_ZERO = 0.4;
/** How far pixels where the network did not look go towards light grey. */
const FADE = 0.65;
const FADED = 225;

/**
 * The picture with the map's colours over it; faded, without colour, where the map is NaN, for the network did not look there.
 *
 * @param map in the picture's pixels, divided by its maximum here
 */
export function overlay(
  { width, height, data }: Picture,
  map: PixelMap,
  { colormap: name = colormaps[0], opacity = 0.75 }: OverlayOptions = {},
): Picture {
  const fits = map.width === width && map.height === height && data?.length === 3 * width * height;
  expects(fits, "map", `${map.width} x ${map.height}`, `one of its picture's size, ${width} x ${height}`);
  const colours = colormap(name);
  // For each step of the colour map, how much of the picture stays, in 256ths: whole numbers, for photographs have millions of pixels.
  const kept = Int32Array.from({ length: 256 }, (_, step) => Math.round(256 * (1 - opacityAt(step / 255, opacity))));
  const { data: values } = normalise(map);
  const out = picture(width, height);
  for (let i = 0, at = 0; i < values.length; i++, at += 3) {
    if (Number.isNaN(values[i])) {
      const luma = (data[at] * 77 + data[at + 1] * 150 + data[at + 2] * 29) >> 8;
      out.data[at] = out.data[at + 1] = out.data[at + 2] = luma + (FADED - luma) * FADE;
      continue;
    }
    const step = (values[i] * 255 + 0.5) | 0;
    const keep = kept[step];
    for (let c = 0; c < 3; c++) {
      const colour = colours[step * 3 + c];
      out.data[at + c] = (colour * (256 - keep) + data[at + c] * keep + 128) >> 8;
    }
  }
  return out;
}

/** How much colour a value from 0 to 1 gets. Grows with the value, so that what is not explained stays readable. */
export function opacityAt(value: number, most: number): number {
  return most * (OPACITY_AT_ZERO + (1 - OPACITY_AT_ZERO) * value);
}

/** The map's colours alone, the map divided by its maximum; light grey where it is NaN. */
export function heat(map: PixelMap, { colormap: name = colormaps[0] }: Pick<OverlayOptions, "colormap"> = {}): Picture {
  const colours = colormap(name);
  const out = picture(map.width, map.height);
  const { data: values } = normalise(map);
  for (let i = 0, at = 0; i < values.length; i++) {
    const outside = Number.isNaN(values[i]);
    const step = ((values[i] * 255 + 0.5) | 0) * 3;
    for (let c = 0; c < 3; c++, at++) out.data[at] = outside ? FADED : colours[step + c];
  }
  return out;
}
