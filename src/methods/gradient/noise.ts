/** @file Pictures with noise: what SmoothGrad and its kin average over. */
import { randomNormal } from "../../array/random.ts";
import type { KnownOptions, MethodOption } from "../method.ts";
import { numberOption, wholeOption } from "../options.ts";
import { batchOption, type Picture, type Steps } from "./steps.ts";

/** How many pictures are drawn, with which noise: its standard deviation is a part of the range of the picture's values. */
export type Noise = Pick<KnownOptions, "samples" | "sigma" | "seed">;

/** 50 samples, beyond which the paper sees little change, with noise in the middle of the 10 to 20 % that it recommends. */
export const noiseOptions = (sigma = 0.15): MethodOption[] => [
  wholeOption("samples", 50),
  { ...numberOption("sigma", sigma), range: "a number of at least 0, a part of the range of the values" },
  wholeOption("seed", 0, 0),
  batchOption,
];

/** How far apart the least and the largest value of a picture are. */
function rangeOf({ data }: Picture): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return most - least;
}

/** Draws of a picture with noise, one after the other: the same for every picture of a batch, so that what is said of one does not depend on the others. */
export function noisy(picture: Picture, { sigma, seed }: Noise): () => Float32Array {
  const draw = randomNormal(seed);
  const deviation = sigma * rangeOf(picture);
  return () => {
    const noise = draw(picture.data.length);
    return picture.data.map((value, p) => value + deviation * noise[p]);
  };
}

/** The gradient at each of so many noisy pictures. */
export const noisySteps = (noise: Noise): Steps => ({
  count: noise.samples,
  of(picture) {
    const draw = noisy(picture, noise);
    return () => ({ at: draw() });
  },
});
