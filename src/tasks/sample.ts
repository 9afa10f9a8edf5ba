/**
 * @file What can be explained: a picture, a signal over time, a volume. Which of them a model takes, the axes of its input say:
 * [n, C, length] signals, [n, C, height, width] pictures, [n, C, depth, height, width] volumes.
 */

import type { Dense } from "../array/dense.ts";
import { expects, isRecord, UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import type { Preprocess } from "../image/preprocess.ts";
import { product } from "../onnx/dims.ts";
import { type Axes, fromPlain, toPlain } from "../read/axes.ts";
import type { Signal } from "../signal/signal.ts";
import type { Placeable, Placing } from "./placing.ts";

/** By the number of axes of their grid. */
const kinds = ["signal", "picture", "volume"] as const;
export type Kind = (typeof kinds)[number];

/** A picture, a signal, or an array that is fed as it is: the input's shape, the batch left out or 1. */
export type Sample = Picture | Signal | Dense;

/** How a model's samples become its input. */
export interface Feeding {
  readonly name: string;
  /** Its shape; -1 where free. */
  readonly dims: readonly number[];
  readonly axes: Axes;
  /** How pictures are prepared; undefined for a model that takes none. */
  readonly preprocess: Preprocess | undefined;
}

export interface PreparedSample<Subject, Place> {
  /** Without the batch. */
  readonly input: Dense;
  /** Whether it was prepared, and not fed as it is. */
  readonly prepared: boolean;
  readonly subject: Subject;
  /** An explanation, and where its map lies on the sample. */
  lay<E extends Placeable>(explanation: E, placing?: Placing): E & Place;
}

/** A sample [C, ...grid] as the input has it, without the batch. */
export function fromPlainSample({ data, dims }: Dense, axes: Axes): Dense {
  const laidOut = fromPlain({ data, dims: [1, ...dims] }, axes);
  return { data: laidOut.data, dims: laidOut.dims.filter((_, axis) => axis !== axes.batch) };
}

/** What an input of these axes takes; undefined for none of the three. */
export const kindOf = ({ grid }: Axes): Kind | undefined => kinds[grid.length - 1];

/** What an input takes of one sample: its shape without the batch. */
export const takenBy = ({ dims, axes }: Feeding): number[] => dims.filter((_, axis) => axis !== axes.batch);

/** One sample as the input has it, a batch of one. */
export const batched = ({ data, dims }: Dense, { batch }: Axes): Dense => ({
  data,
  dims: batch === undefined ? [...dims] : dims.toSpliced(batch, 0, 1),
});

/** One sample as [C, ...grid], whatever the layout of the input. */
export function plainSample(input: Dense, axes: Axes): Dense {
  const { data, dims } = toPlain(batched(input, axes), axes);
  return { data, dims: dims.slice(1) };
}

export const isPicture = (sample: Sample): sample is Picture => "width" in sample;
export const isSignal = (sample: Sample): sample is Signal => "channels" in sample;

/** What may be explained, said to somebody who gave something else. */
const samples = "a picture { width, height, data }, a sound { rate?, channels } or an array { data, dims }";

/** @throws UserError `invalid-option` for what is no sample. */
export function checkSample(given: Sample): void {
  expects(isRecord(given), "sample", given, samples);
  if (isPicture(given)) checkPicture(given);
  else if (isSignal(given)) {
    const { channels } = given;
    const whole = Array.isArray(channels) && channels.length > 0 && channels.every((c) => c instanceof Float32Array);
    expects(whole, "channels of a sound", channels, "a list of Float32Array");
  } else {
    const { data, dims } = given;
    const whole = data instanceof Float32Array && Array.isArray(dims) && dims.every(Number.isInteger);
    expects(whole && product(dims) === data.length, "sample", given, samples);
  }
}

/** Whether it is a picture, three bytes a pixel. */
export function isPixels(given: unknown): given is Picture {
  const { width, height, data } = isRecord(given) ? (given as Partial<Picture>) : {};
  const bytes = 3 * (width ?? 0) * (height ?? 0);
  return bytes > 0 && data?.length === bytes;
}

/** @throws UserError `invalid-option` for what is no picture. */
export function checkPicture(given: Picture): void {
  expects(isPixels(given), "picture", given, "{ width, height, data }, three bytes a pixel");
}

/**
 * An array as an input takes it, without the batch; a single channel may be left out.
 * @throws UserError `invalid-input` for another shape.
 */
export function fitted({ data, dims }: Dense, feeding: Feeding): Dense {
  const { name, axes } = feeding;
  const wanted = takenBy(feeding);
  const { batch = Number.POSITIVE_INFINITY, channels = -1 } = axes;
  const colours = channels > batch ? channels - 1 : channels;
  const shapes = [dims, dims[0] === 1 ? dims.slice(1) : [], wanted[colours] === 1 ? dims.toSpliced(colours, 0, 1) : []];
  const shape = shapes.find((s) => s.length === wanted.length && wanted.every((d, i) => d < 0 || d === s[i]));
  if (shape && data.length === product(shape)) return { data, dims: shape };
  throw new UserError(
    "invalid-input",
    `invalid input: "${name}" takes an array of shape ${shapeText(wanted)}, this one has ${shapeText(dims)}`,
  );
}

/** [3, ?, ?]: what is free is anything. */
export const shapeText = (dims: readonly number[]): string => `[${dims.map((d) => (d < 0 ? "?" : d)).join(", ")}]`;

/** @throws UserError `invalid-input`: the sample is of another kind than the model takes. */
export function refuse(sample: Sample, feeding: Feeding): never {
  const { name, axes } = feeding;
  const seen = isPicture(sample) ? "a picture" : isSignal(sample) ? "a sound" : "an array";
  const files = { signal: "a .wav or .npy file", picture: "a picture or a .npy file", volume: "a .npy file" };
  const kind = kindOf(axes) ?? "picture";
  throw new UserError(
    "invalid-input",
    `invalid input: "${name}" takes a ${kind} of shape ${shapeText(takenBy(feeding))}, not ${seen}; give ${files[kind]}`,
  );
}
