/**
 * @file What can be explained: a picture, a signal over time, a volume. Which of them a model takes, the axes of its input say:
 * [n, C, length] signals, [n, C, height, width] pictures, [n, C, depth, height, width] volumes.
 */
import { UserError } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import type { Preprocess } from "../image/preprocess.ts";
import type { Dense } from "../methods/method.ts";
import { product } from "../onnx/dims.ts";
import type { Signal } from "../signal/signal.ts";
import type { Placing } from "./placing.ts";

export type Kind = "signal" | "picture" | "volume";

/** A picture, a signal, or an array that is fed as it is: the input's shape, the batch left out or 1. */
export type Sample = Picture | Signal | Dense;

/** How a model's samples become its input. */
export interface Feeding {
  /** The input's name. */
  readonly name: string;
  /** Its shape, the batch first; -1 where free. */
  readonly dims: readonly number[];
  /** How pictures are prepared; undefined for a model that takes none. */
  readonly preprocess: Preprocess | undefined;
}

/** A sample that has become an input, and a way back for its maps: `place` gives what an explanation says of its place. */
export interface Seen<Subject, Place> {
  /** Without the batch. */
  readonly input: Dense;
  /** What the answer says of the sample. */
  readonly subject: Subject;
  /** Where a map on the layer's grid lies on the sample; the peak and what surrounds it only where there is one. */
  place(map: Dense, blank: boolean, placing?: Placing): Place;
}

const kinds: readonly (Kind | undefined)[] = ["signal", "picture", "volume"];

/** What an input of this shape takes; undefined for none of the three. */
export const kindOf = (dims: readonly number[]): Kind | undefined => kinds[dims.length - 3];

export const isPicture = (sample: Sample): sample is Picture => "width" in sample;
export const isSignal = (sample: Sample): sample is Signal => "channels" in sample;

/**
 * An array as an input takes it, without the batch; a single channel may be left out.
 * @throws UserError `invalid-input` for another shape.
 */
export function fitted({ data, dims }: Dense, { name, dims: [, ...wanted] }: Feeding): Dense {
  const shapes = [dims, dims[0] === 1 ? dims.slice(1) : [], wanted[0] === 1 ? [1, ...dims] : []];
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
export function refuse(sample: Sample, { name, dims }: Feeding): never {
  const seen = isPicture(sample) ? "a picture" : isSignal(sample) ? "a sound" : "an array";
  const files = { signal: "a .wav or .npy file", picture: "a picture or a .npy file", volume: "a .npy file" };
  const kind = kindOf(dims) ?? "picture";
  throw new UserError(
    "invalid-input",
    `invalid input: "${name}" takes a ${kind} of shape ${shapeText(dims.slice(1))}, not ${seen}; give ${files[kind]}`,
  );
}

/** @throws UserError `invalid-option` for a map on a grid of another number of axes than the sample has. */
export function checkGrid({ dims }: Dense, axes: number): void {
  if (dims.length !== axes)
    throw new UserError("invalid-option", `invalid layer: its grid has ${dims.length} axes, the input's has ${axes}`);
}
