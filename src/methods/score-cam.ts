/**
 * @file Score-CAM (Wang et al. 2020, arXiv 1910.01279): no gradient, but the score of the picture seen through each channel.
 *
 *   H_k = A_k at the picture's size, scaled to 0..1;  w = softmax over k of y(x * H_k),  L = ReLU( sum_k w_k A_k )
 *
 * The score of the baseline, which the paper subtracts, is the same for all k and cancels in the softmax.
 */
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import { product, range } from "../onnx/dims.ts";
import { channelWeighted } from "./channel-weights.ts";
import type { Explanation, Question } from "./method.ts";

export async function explain(question: Question): Promise<Explanation> {
  const { image, options, respond, progress } = question;
  const [n, channels, height, width] = image.dims;
  if (image.dims.length !== 4)
    throw new UserError("invalid-option", `score-cam takes pictures; the input has shape [${image.dims}]`);
  const pixels = height * width;
  return channelWeighted(question, async (index, { data, dims: [, count, ...grid] }) => {
    const whole = image.data.subarray(index * channels * pixels, (index + 1) * channels * pixels);
    const scores: number[][] = range(question.k).map(() => []);
    for (let first = 0; first < count; first += options.batch) {
      progress((index + first / count) / n);
      const some = range(Math.min(options.batch, count - first)).map((i) => first + i);
      const variants = new Float32Array(some.length * whole.length);
      for (const [v, c] of some.entries()) {
        const cells = product(grid);
        const mask = scaled(upsample(data.subarray(c * cells, (c + 1) * cells), [grid[0], grid[1]], [height, width]));
        for (let i = 0; i < whole.length; i++) variants[v * whole.length + i] = whole[i] * mask[i % pixels];
      }
      const answers = await respond(index, { data: variants, dims: [some.length, channels, height, width] });
      for (const [j, answer] of answers.entries()) scores[j].push(...answer);
    }
    progress((index + 1) / n);
    return scores.map(softmax);
  });
}

/** To 0..1; what is the same everywhere is 0. */
function scaled(map: Float32Array): Float32Array {
  const [least, most] = map.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  return map.map((v) => (most > least ? (v - least) / (most - least) : 0));
}

function softmax(scores: readonly number[]): Float32Array {
  const most = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / sum);
}
