/**
 * @file Score-CAM (Wang et al. 2020, arXiv 1910.01279): no gradient, but the score of the picture seen through each channel.
 *
 *   H_k = A_k at the picture's size, scaled to 0..1;  w = softmax over k of y(x * H_k),  L = ReLU( sum_k w_k A_k )
 *
 * The score of the baseline, which the paper subtracts, is the same for all k and cancels in the softmax. Its variants put a mean in place of
 * y(x * H_k): of noisy masks H_k + N(0, sigma), SS-CAM (arXiv 2006.14255); of masks i / N * H_k, i from 1 to N, IS-CAM (arXiv 2010.03023);
 * or they only look at the channels that vary most over the grid, Faster Score-CAM (Kubota 2020, in tf-keras-vis).
 */
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import { product, range } from "../onnx/dims.ts";
import { channelWeighted } from "./channel-weights.ts";
import type { Explanation, MethodOptions, Question } from "./method.ts";

export async function explain(question: Question): Promise<Explanation> {
  const { image, options, respond, progress } = question;
  const [n, channels, height, width] = image.dims;
  if (image.dims.length !== 4)
    throw new UserError("invalid-option", `score-cam takes pictures; the input has shape [${image.dims}]`);
  const pixels = height * width;
  return channelWeighted(question, async (index, { data, dims: [, count, ...grid] }) => {
    const picture = image.data.subarray(index * channels * pixels, (index + 1) * channels * pixels);
    const cells = product(grid);
    const channel = (c: number) => data.subarray(c * cells, (c + 1) * cells);
    const looked = varied(range(count), channel, Number(options.channels));
    const masks = looked.map((c) => () => scaled(upsample(channel(c), [grid[0], grid[1]], [height, width])));
    const views = viewsOf(masks, options);
    const each = views.length / masks.length;
    const sums: Float64Array[] = range(question.k).map(() => new Float64Array(looked.length));
    for (let first = 0; first < views.length; first += options.batch) {
      progress((index + first / views.length) / n);
      const some = views.slice(first, first + options.batch);
      const variants = new Float32Array(some.length * picture.length);
      for (const [v, view] of some.entries()) seenThrough(picture, view(), variants.subarray(v * picture.length));
      const answers = await respond(index, { data: variants, dims: [some.length, channels, height, width] });
      for (const [j, answer] of answers.entries())
        for (const [v, score] of answer.entries()) sums[j][Math.floor((first + v) / each)] += score / each;
    }
    progress((index + 1) / n);
    return sums.map((scores) => {
      const weights = new Float32Array(count);
      for (const [i, weight] of softmax(scores).entries()) weights[looked[i]] = weight;
      return weights;
    });
  });
}

/** The channels of the largest variance over the grid, in their order; all of them by default. */
function varied(all: readonly number[], channel: (c: number) => Float32Array, most: number): readonly number[] {
  if (most === 0 || most >= all.length) return all;
  const variance = all.map((c) => {
    const values = channel(c);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  });
  const strongest = [...all].sort((a, b) => variance[b] - variance[a] || a - b).slice(0, most);
  return strongest.sort((a, b) => a - b);
}

/** The masks that each channel is looked at through, as many for each: made when they are needed, for all of them are too many to keep. */
function viewsOf(masks: readonly (() => Float32Array)[], { samples, sigma, steps, seed }: MethodOptions) {
  const shares = range(steps).map((i) => (i + 1) / steps);
  const noises = samples > 0 ? range(samples) : [undefined];
  return masks.flatMap((mask, k) =>
    noises.flatMap((sample) =>
      shares.map((share) => () => {
        const own = mask();
        if (sample === undefined && share === 1) return own;
        // Of every picture the same: in a batch it is explained as alone.
        const random = sample === undefined ? undefined : randomFor("score-cam", seed, k * samples + sample);
        for (let p = 0; p < own.length; p++) own[p] = share * (own[p] + (random ? sigma * random.normal() : 0));
        return own;
      }),
    ),
  );
}

/** The channels of a picture, each times the mask. */
function seenThrough(picture: Float32Array, mask: Float32Array, out: Float32Array): void {
  const pixels = mask.length;
  for (let from = 0; from < picture.length; from += pixels)
    for (let p = 0; p < pixels; p++) out[from + p] = picture[from + p] * mask[p];
}

/** To 0..1, where it lies; what is the same everywhere is 0. */
function scaled(map: Float32Array): Float32Array {
  let [least, most] = [Infinity, -Infinity];
  for (let p = 0; p < map.length; p++) {
    if (map[p] < least) least = map[p];
    if (map[p] > most) most = map[p];
  }
  for (let p = 0; p < map.length; p++) map[p] = most > least ? (map[p] - least) / (most - least) : 0;
  return map;
}

function softmax(scores: Float64Array): Float32Array {
  const most = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / sum);
}
