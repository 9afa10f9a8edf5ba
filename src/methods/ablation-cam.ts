/**
 * @file Ablation-CAM (Desai and Ramaswamy 2020, doi 10.1109/WACV45572.2020.9093360): how far the score drops without a channel.
 *
 *   w_k = (y - y with A_k = 0) / |y|,    L = ReLU( sum_k w_k A_k )
 *
 * The paper divides by y, which would turn all weights around where the score is negative. Only what lies behind the layer runs.
 */
import { channelWeighted } from "./channel-weights.ts";
import type { Explanation, Question } from "./method.ts";

export async function explain(question: Question): Promise<Explanation> {
  const { image, respondAtLayer, progress } = question;
  const [n] = image.dims;
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
