/**
 * @file Smooth Grad-CAM++ (Omeiza et al. 2019, arXiv 1908.01224): Grad-CAM++ with the powers of the gradient averaged over noisy pictures.
 *
 *   D_p = mean over the noisy pictures of g^p,    w_k = sum of D_2 / (2 D_2 + S_k D_3) ReLU(D_1),    L = ReLU( sum_k w_k A_k )
 *
 * A is that of the picture itself, S_k its sum over the grid. The numerator is that of Grad-CAM++, which the paper writes as D_1.
 */
import { randomFor } from "../array/random.ts";
import { product, range } from "../onnx/dims.ts";
import { channelSums, type flatGrid, gradientsByImage, oneWhereZero, sumOverChannels } from "./layer-map.ts";
import type { Explanation, Question } from "./method.ts";
import { bySign } from "./signed-maps.ts";

/** Of a batch whose first picture is the one that is explained and whose others are noisy: its map, for every picture of the batch. */
const maps = bySign((parts, part) => {
  const { build, a } = parts;
  const noisy = (x: ReturnType<typeof flatGrid>) => {
    const rest = build.slice(x, 0, 1, 2 ** 31 - 1);
    return { ...rest, dims: [-1, ...(x.dims?.slice(1) ?? [])] };
  };
  const own = (x: ReturnType<typeof flatGrid>) => build.slice(x, 0, 0, 1);
  const g = noisy(gradientsByImage(parts));
  const square = build.mul(g, g);
  const [d1, d2, d3] = [g, square, build.mul(square, g)].map((power) => build.reduceMean(power, [0]));
  const denominator = build.add(build.mul(d2, 2), build.mul(own(channelSums(parts)), d3));
  const alpha = build.div(d2, oneWhereZero(build, denominator));
  const weights = build.reduceSum(build.mul(alpha, build.relu(d1)), [3], false);
  const map = part(sumOverChannels({ ...parts, a: own(a) }, weights));
  const shape = build.concat([build.dimOf(a, 0), build.ints([1, 1])], 0);
  return build.op("Expand", [map, shape], undefined, map.type);
});

export async function explain(question: Question): Promise<Explanation> {
  const { image, k, options, atVariants, progress } = question;
  const { samples, sigma, seed, sign } = options;
  const [n, ...shape] = image.dims;
  const size = product(shape);
  const all: Float32Array[] = [];
  let grid: readonly number[] = [];
  for (const index of range(n)) {
    progress(index / n);
    const own = image.data.subarray(index * size, (index + 1) * size);
    // The same noise for every picture: in a batch it is explained as alone.
    const random = randomFor("smooth-grad-cam++", seed, 0);
    const data = new Float32Array((samples + 1) * size);
    for (const s of range(samples + 1))
      for (let i = 0; i < size; i++) data[s * size + i] = own[i] + (s > 0 ? sigma * random.normal() : 0);
    const { data: found, dims } = await atVariants(index, { data, dims: [samples + 1, ...shape] }, maps[sign]);
    grid = dims.slice(1);
    all.push(found.subarray(0, k * product(grid)));
  }
  progress(1);
  const data = new Float32Array(n * k * product(grid));
  for (const [i, map] of all.entries()) data.set(map, i * map.length);
  return { maps: { data, dims: [n * k, ...grid] } };
}
