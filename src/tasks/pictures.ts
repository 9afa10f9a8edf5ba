/** @file Pictures as samples: prepared as the model wants them, or an array of pixels that is fed as it is. */

import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import { type Alignment, cellsSpan, type Geometry, undo } from "../image/geometry.ts";
import { type Box, locateOn, type Point } from "../image/locate.ts";
import { type Picture, type PixelMap, picture } from "../image/picture.ts";
import { preprocess } from "../image/preprocess.ts";
import { axesText, plainDims } from "../read/axes.ts";
import {
  checkGrid,
  type Feeding,
  fitted,
  isPicture,
  isSignal,
  plainSample,
  refuse,
  type Sample,
  type Seen,
  shapeText,
  takenBy,
} from "./sample.ts";

export interface PictureSubject {
  /** An array's is drawn when it is read. */
  readonly picture: Picture;
  readonly geometry: Geometry;
}

export interface PicturePlace {
  /** The map on the picture's pixels, NaN where the network did not look; computed when it is read, for it may be large. */
  readonly onPicture: PixelMap;
  /** The map's maximum, in pixels of the original picture; undefined for a blank map. */
  readonly peak?: Point;
  /** Around the largest connected part above 15 % of the maximum. */
  readonly box?: Box;
}

/** @throws UserError `invalid-input` for an array of another shape, and for what is no picture. */
export function seePicture(sample: Sample, feeding: Feeding): Seen<PictureSubject, PicturePlace> {
  const { input, subject } = prepared(sample, feeding);
  const onPicture = (map: Dense, alignment?: Alignment): PixelMap =>
    undo(map.data, [map.dims[0], map.dims[1]], subject.geometry, alignment);
  return {
    input,
    prepared: isPicture(sample),
    subject,
    place(map, blank, { rule, alignment } = {}) {
      checkGrid(map, 2);
      const found = blank ? undefined : onPicture(map, alignment);
      return {
        ...(found &&
          locateOn(subject.geometry, found, { rule, within: cellsSpan(map.dims, subject.geometry, alignment) })),
        get onPicture() {
          return onPicture(map, alignment);
        },
      };
    },
  };
}

function prepared(sample: Sample, feeding: Feeding): { readonly input: Dense; readonly subject: PictureSubject } {
  if (isSignal(sample)) refuse(sample, feeding);
  if (!isPicture(sample)) {
    const input = fitted(sample, feeding);
    const plain = plainSample(input, feeding.axes);
    const [, height, width] = plain.dims;
    const size = { width, height };
    const geometry = { input: size, original: size, scaleX: 1, scaleY: 1, left: 0, top: 0 };
    return {
      input,
      subject: {
        geometry,
        get picture() {
          return drawn(plain);
        },
      },
    };
  }
  if (!feeding.preprocess) return refuseBands(feeding);
  const { data, dims, geometry } = preprocess(sample, feeding.preprocess);
  checkSize(dims, feeding, sample);
  return { input: { data, dims }, subject: { picture: sample, geometry } };
}

function refuseBands({ name, dims, axes }: Feeding): never {
  const [, channels] = plainDims(dims, axes);
  throw new UserError(
    "invalid-input",
    `invalid input: "${name}" takes ${channels} channels, laid out as ${axesText(axes)}, and a picture has 1 or 3; give a .npy file, or say --layout`,
  );
}

/** @throws UserError `invalid-input` where a picture becomes an input of another size than the model takes. */
function checkSize(dims: readonly number[], feeding: Feeding, { width, height }: Picture): void {
  const { name } = feeding;
  const wanted = takenBy(feeding);
  if (wanted.length !== dims.length || wanted.every((size, axis) => size < 0 || size === dims[axis])) return;
  throw new UserError(
    "invalid-input",
    `invalid preparation: a picture of ${width} x ${height} becomes ${shapeText(dims)}, and "${name}" takes ${shapeText(wanted)}; say --size, --fit or --layout`,
  );
}

/** An array as something to look at: its least value black and its largest white; what has not three channels as their mean, in grey. */
export function drawn({ data, dims }: Dense): Picture {
  const [channels, height, width] = dims;
  const plane = height * width;
  const at = (pixel: number, c: number) => data[c * plane + pixel];
  const colours = (pixel: number): number[] => {
    const values = Array.from({ length: channels }, (_, c) => at(pixel, c));
    return channels === 3 ? values : Array<number>(3).fill(values.reduce((a, b) => a + b, 0) / channels);
  };
  const values = Float32Array.from({ length: plane * 3 }, (_, i) => colours(Math.floor(i / 3))[i % 3]);
  const [least, most] = extent(values);
  const bytes = Uint8Array.from(values, (v) => Math.round((255 * (v - least)) / (most - least || 1)));
  return picture(width, height, bytes);
}

/** The least and the largest finite value. */
export function extent(values: Float32Array): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values)
    if (Number.isFinite(v)) {
      if (v < least) least = v;
      if (v > most) most = v;
    }
  return least <= most ? [least, most] : [0, 0];
}
