/**
 * @file From a picture to a network's input: resize, crop, scale, normalise, lay out; as torchvision and Hugging Face do it.
 */

import { UserError } from "../errors.ts";
import type { Geometry, Size } from "./geometry.ts";
import { grey, type Picture } from "./picture.ts";
import { type Crop, type FilterName, resample } from "./resample.ts";

/** How a network wants its pictures. A pixel p of channel c becomes `(p * scale - mean[c]) / std[c]`. */
export interface Preprocess {
  /** The shorter side's length (the longer one follows, rounded down), or both sides whatever the aspect; absent: left as it is. */
  readonly resize?: { readonly shortestEdge: number } | Size;
  readonly filter: FilterName;
  /** The part in the centre that is kept after resizing, padded with zero pixels if it is larger than the picture. */
  readonly crop?: Size;
  /** For pixels of 0..255, usually 1/255. */
  readonly scale: number;
  /** One for each channel, in the order of `order`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** 1: grey (luma), 3: colour. */
  readonly channels: 1 | 3;
  readonly order: "RGB" | "BGR";
  readonly layout: "NCHW" | "NHWC";
}

/** A network's input for one picture. */
export interface Preprocessed {
  readonly data: Float32Array;
  /** Without the batch: [channels, height, width] for NCHW, [height, width, channels] for NHWC. */
  readonly dims: number[];
  readonly geometry: Geometry;
}

/** What a network's input may hold; a picture of 1 x 100,000 pixels, resized by its shorter side, would be 6 billion. */
const MOST_PIXELS = 100e6;

/**
 * Makes a network's input of a picture.
 *
 * @throws {UserError} `invalid-input` if a mean or a std is missing or a std is 0, `too-large` above 100 million pixels
 */
export function preprocess(picture: Picture, how: Preprocess): Preprocessed {
  const { channels, order, layout } = how;
  for (const key of ["mean", "std"] as const)
    if (how[key].length !== channels)
      throw new UserError(
        "invalid-input",
        `invalid ${key}: ${how[key].length} values, expected ${channels}, one a channel`,
      );
  if (how.std.includes(0)) throw new UserError("invalid-input", "invalid std: 0, expected numbers other than 0");

  const resized = resizedSize(picture, how.resize);
  const input = how.crop ?? resized;
  if (input.width * input.height > MOST_PIXELS)
    throw new UserError(
      "too-large",
      `too large input: ${input.width} x ${input.height}, allowed ${MOST_PIXELS} pixels`,
    );
  const across = centre(resized.width, input.width);
  const down = centre(resized.height, input.height);
  const kept: Crop = { left: across.from, top: down.from, width: across.length, height: down.length };
  const pixels = resample(channels === 1 ? grey(picture) : picture, resized.width, resized.height, how.filter, kept);

  const { width, height } = input;
  const padded = kept.width < width || kept.height < height;
  const data = new Float32Array(width * height * channels);
  const [pixelStep, channelStep] = layout === "NCHW" ? [1, width * height] : [channels, 1];
  for (let c = 0; c < channels; c++) {
    const byte = order === "BGR" ? 2 - c : c;
    const levels = Float32Array.from({ length: 256 }, (_, p) => (p * how.scale - how.mean[c]) / how.std[c]);
    if (padded) for (let i = 0; i < width * height; i++) data[channelStep * c + i * pixelStep] = levels[0];
    for (let y = 0, from = byte; y < kept.height; y++) {
      let at = channelStep * c + ((down.to + y) * width + across.to) * pixelStep;
      for (let x = 0; x < kept.width; x++, from += 3, at += pixelStep) data[at] = levels[pixels.data[from]];
    }
  }

  const [scaleX, scaleY] = [picture.width / resized.width, picture.height / resized.height];
  const geometry: Geometry = {
    input: { width, height },
    original: { width: picture.width, height: picture.height },
    scaleX,
    scaleY,
    left: (across.from - across.to) * scaleX,
    top: (down.from - down.to) * scaleY,
  };
  return { data, dims: layout === "NCHW" ? [channels, height, width] : [height, width, channels], geometry };
}

/** The picture's size after resizing: torchvision rounds the longer side down. */
function resizedSize({ width, height }: Picture, resize: Preprocess["resize"]): Size {
  if (resize === undefined) return { width, height };
  if ("width" in resize) return resize;
  const { shortestEdge } = resize;
  const longestEdge = Math.trunc((shortestEdge * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: shortestEdge, height: longestEdge } : { width: longestEdge, height: shortestEdge };
}

/** Of `have` pixels, `length` from `from` on are kept, and go to `to` of the `want` pixels. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** torchvision's `center_crop`: the offset rounds half to even when cropping, and down when padding. */
function centre(have: number, want: number): Span {
  if (have < want) return { from: 0, to: Math.floor((want - have) / 2), length: have };
  return { from: roundHalfToEven((have - want) / 2), to: 0, length: want };
}

/** Python's `round`. */
function roundHalfToEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 === 1 ? nearest - 1 : nearest;
}
