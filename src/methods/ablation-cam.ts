/**
 * @file Ablation-CAM (Desai and Ramaswamy 2020, doi 10.1109/WACV45572.2020.9093360): how far the score drops without a channel.
 *
 *   w_k = (y - y with A_k = 0) / |y|,    L = ReLU( sum_k w_k A_k )
 *
 * The paper divides by y, which would turn all weights around where the score is negative. Only what lies behind the layer runs, once for
 * each channel; where that is linear, the drop is known from the gradient g, sum over the grid of g_k A_k, and one run is enough.
 */
import type { Dense } from "../array/dense.ts";
import { channelWeighted } from "./channel-weights.ts";
import { flatGrid, gradientsByImage, sumOverChannels } from "./layer-map.ts";
import type { Explanation, Question } from "./method.ts";
import { bySign } from "./signed-maps.ts";

/** With the drops of a linear score for weights. */
const linear = bySign((parts, part) => {
  const { build } = parts;
  const products = build.mul(gradientsByImage(parts), build.unsqueeze(flatGrid(parts), [1]));
  return part(sumOverChannels(parts, build.reduceSum(products, [3], false)));
});

export async function explain(question: Question): Promise<Explanation> {
  const { image, respondAtLayer, progress } = question;
  const [n] = image.dims;
  if (question.isLinear()) return ofLinear(question);
  return channelWeighted(question, async (index, { dims: [, channels, ...grid] }) => {
    // The first variant is whole; in each of the others a channel is missing.
    const data = new Float32Array((channels + 1) * channels).fill(1);
    for (let c = 0; c < channels; c++) data[(c + 1) * channels + c] = 0;
    const factors = { data, dims: [channels + 1, channels, ...grid.map(() => 1)] };
    const scores = await respondAtLayer(index, factors, (done) => progress((index + done) / n));
    progress((index + 1) / n);
    return scores.map(([whole, ...without]) =>
      Float32Array.from(without, (score) => (whole - score) / (Math.abs(whole) || 1)),
    );
  });
}

async function ofLinear({ k, options, atLayer, activations, respondAtLayer }: Question): Promise<Explanation> {
  const { data, dims } = await atLayer(linear[options.sign]);
  const size = data.length / dims[0];
  const maps = data.slice();
  for (let index = 0; index < dims[0] / k; index++) {
    const [, channels, ...grid] = (await activations(index)).dims;
    const whole: Dense = { data: new Float32Array(channels).fill(1), dims: [1, channels, ...grid.map(() => 1)] };
    for (const [j, [score]] of (await respondAtLayer(index, whole)).entries()) {
      const row = index * k + j;
      for (let at = row * size; at < (row + 1) * size; at++) maps[at] /= Math.abs(score) || 1;
    }
  }
  return { maps: { data: maps, dims } };
}
