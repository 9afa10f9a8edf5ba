/** @file Pictures as samples: prepared as the model wants them, or an array of pixels that is fed as it is. */

import { type Dense, ofRank } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import { cellsSpan, type Geometry, undo } from "../image/geometry.ts";
import { type Box, locateOn, type Point } from "../image/locate.ts";
import { type Picture, type PixelMap, picture } from "../image/picture.ts";
import { preprocess } from "../image/preprocess.ts";
import { range } from "../onnx/dims.ts";
import { axesText, plainDims } from "../read/axes.ts";
import { layOn } from "./placing.ts";
import {
  type Feeding,
  fitted,
  isPicture,
  isSignal,
  type PreparedSample,
  plainSample,
  refuse,
  type Sample,
  shapeText,
  takenBy,
} from "./sample.ts";

export interface PictureSubject {
  /** An array as something to look at. */
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
export function preparePicture(sample: Sample, feeding: Feeding): PreparedSample<PictureSubject, PicturePlace> {
  if (isSignal(sample)) refuse(sample, feeding);
  if (!isPicture(sample)) {
    const input = fitted(sample, feeding);
    const plain = plainSample(input, feeding.axes);
    const [, height, width] = ofRank(plain.dims, 3);
    const size = { width, height };
    const geometry = { input: size, original: size, scaleX: 1, scaleY: 1, left: 0, top: 0 };
    return { input, prepared: false, subject: { picture: drawn(plain), geometry }, lay: onPicture(geometry) };
  }
  if (!feeding.preprocess) return refuseBands(feeding);
  const { data, dims, geometry } = preprocess(sample, feeding.preprocess);
  checkSize(dims, feeding, sample);
  const subject = { picture: sample, geometry };
  return { input: { data, dims }, prepared: true, subject, lay: onPicture(geometry) };
}

/** Lays maps over a picture that the network saw through a geometry. */
export const onPicture = (geometry: Geometry) =>
  layOn<"onPicture", PixelMap, Pick<PicturePlace, "peak" | "box">>({
    ...{ name: "onPicture", where: ["peak", "box"], axes: 2 },
    spread: ({ data, dims }, alignment) => undo(data, ofRank(dims, 2), geometry, alignment),
    locate: (values, { dims }, { rule, alignment }) =>
      locateOn(geometry, values, { rule, within: cellsSpan(dims, geometry, alignment) }),
  });

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
  const [channels, height, width] = ofRank(dims, 3);
  const plane = height * width;
  const at = (channel: number, pixel: number) => data[channel * plane + pixel] ?? 0;
  const mean = (pixel: number) => range(channels).reduce((sum, channel) => sum + at(channel, pixel), 0) / channels;
  const values = new Float32Array(plane * 3);
  for (let pixel = 0; pixel < plane; pixel++)
    values.set(channels === 3 ? [at(0, pixel), at(1, pixel), at(2, pixel)] : Array(3).fill(mean(pixel)), pixel * 3);
  const finite = values.filter(Number.isFinite);
  const least = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const span = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  const pixels = Uint8Array.from(values, (v) => Math.round((255 * (v - least)) / (span || 1)));
  return picture(width, height, pixels);
}
