/**
 * @file From a picture to a network's input: resize, crop, scale, normalise, lay out; as torchvision and Hugging Face do it.
 */

import { UserError } from "../errors.ts";
import { type Framing, framed } from "./framing.ts";
import type { Geometry } from "./geometry.ts";
import { grey, type Picture } from "./picture.ts";
import { type Crop, type FilterName, resample } from "./resample.ts";

export type { Padding, Resize } from "./framing.ts";

/** How a network wants its pictures. A pixel p of channel c becomes `(p * scale - mean[c]) / std[c]`. */
export interface Preprocess extends Framing {
  readonly filter: FilterName;
  /** For pixels of 0..255, usually 1/255. */
  readonly scale: number;
  /** One for each channel, in the order of `order`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** 1: grey (luma), 3: colour; of other numbers only arrays can be fed. */
  readonly channels: number;
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
 * @throws {UserError} `invalid-input` for other channels than a picture has, if a mean or a std is missing or a std is 0, and where a
 *   picture is larger than what it is to be padded to; `too-large` above 100 million pixels
 */
export function preprocess(picture: Picture, how: Preprocess): Preprocessed {
  const { channels, layout } = how;
  if (channels !== 1 && channels !== 3)
    throw new UserError(
      "invalid-input",
      `invalid input: laid out as ${layout}, the model takes ${channels} channels, but an image has 1 or 3; give a .npy file, or another layout`,
    );
  for (const key of ["mean", "std"] as const)
    if (how[key].length !== channels)
      throw new UserError(
        "invalid-input",
        `invalid ${key}: ${how[key].length} values, expected ${channels}, one per channel`,
      );
  if (how.std.includes(0)) throw new UserError("invalid-input", "invalid std: 0, expected numbers other than 0");

  const original = { width: picture.width, height: picture.height, ...picture.original };
  const { resized, across, down, input, cropped } = framed(original, how);
  const { width, height } = input;
  if (width * height > MOST_PIXELS)
    throw new UserError("too-large", `too large input: ${width} x ${height}, allowed ${MOST_PIXELS} pixels`);
  const kept: Crop = { left: across.from, top: down.from, width: across.length, height: down.length };
  const pixels = resample(channels === 1 ? grey(picture) : picture, resized.width, resized.height, how.filter, kept);

  const data = new Float32Array(width * height * channels);
  const [pixelStep, channelStep] = layout === "NCHW" ? [1, width * height] : [channels, 1];
  const fill = (c: number, value: number, { left, top, ...size }: typeof cropped) => {
    for (let y = 0; y < size.height; y++)
      for (
        let x = 0, at = channelStep * c + ((top + y) * width + left) * pixelStep;
        x < size.width;
        x++, at += pixelStep
      )
        data[at] = value;
  };
  for (let c = 0; c < channels; c++) {
    const band = how.order === "BGR" && channels === 3 ? 2 - c : c;
    const become = (p: number) => (p * how.scale - how.mean[c]) / how.std[c];
    if (how.pad?.level !== undefined) fill(c, become(how.pad.level), { left: 0, top: 0, ...input });
    if (kept.width < cropped.width || kept.height < cropped.height) fill(c, become(0), cropped);
    const levels = levelsOf(pixels, become);
    const values = pixels.deep ?? pixels.data;
    for (let y = 0, from = band; y < kept.height; y++) {
      let at = channelStep * c + ((down.to + y) * width + across.to) * pixelStep;
      for (let x = 0; x < kept.width; x++, from += 3, at += pixelStep) data[at] = levels[values[from]];
    }
  }

  const [scaleX, scaleY] = [original.width / resized.width, original.height / resized.height];
  const geometry: Geometry = {
    input: { width, height },
    original,
    scaleX,
    scaleY,
    left: (across.from - across.to) * scaleX,
    top: (down.from - down.to) * scaleY,
    ...(picture.original && { canvas: { width: picture.width, height: picture.height } }),
  };
  return { data, dims: layout === "NCHW" ? [channels, height, width] : [height, width, channels], geometry };
}

/** What becomes of each level of a pixel, of 8 bits or of 16. */
function levelsOf({ deep }: Picture, become: (p: number) => number): Float32Array {
  const [count, step] = deep ? [65536, 255 / 65535] : [256, 1];
  const levels = new Float32Array(count);
  for (let p = 0; p < count; p++) levels[p] = become(p * step);
  return levels;
}
