/**
 * @file FullGrad (Srinivas and Fleuret 2019, arXiv 1905.00780): the gradient at the input and at every bias, which make up the whole score.
 *
 *   y = <x, dx> + sum over the biases b of <b, db>,    L = sum_c |x dx|_c + sum over the layers of up( sum_c |b db|_c )
 *
 * Biases are those of convolutions and normalisations, at each position, and the implicit ones of activations (see biases.ts). What has no
 * position, as the bias of a linear head, is in the sum and not on the map. The paper scales every term to 0..1 first; here all of them
 * are in units of the score.
 */
import { notingBiases, type Share } from "../autodiff/overrides/biases.ts";
import type { Builder, Value } from "../onnx/build.ts";
import type { Explanation, Method, SweepMap } from "./method.ts";
import { upsampled } from "./upsampled.ts";

const strength = (build: Builder, value: Value): Value => build.reduceSum(build.abs(value), [1]);

/** What is shown of the shares. */
const fullGradMap: SweepMap = (arranged) => {
  let shares: (build: Builder) => Share[] = () => [];
  return {
    rules: (base) => {
      const noting = notingBiases(base);
      shares = noting.shares;
      return noting.rules;
    },
    map: ({ build, image, gradient }) => {
      const byGrid = new Map<string, Value[]>();
      for (const { of, value } of shares(build)) {
        const share = arranged(build, of, value);
        if (!share) continue;
        const grid = String(share.dims?.slice(2) ?? of);
        byGrid.set(grid, [...(byGrid.get(grid) ?? []), strength(build, share)]);
      }
      const layers = [...byGrid.values()].map((maps) => upsampled(build, "full-grad", build.sum(maps), image));
      return build.sum([strength(build, build.mul(image, gradient)), ...layers]);
    },
  };
};

/** [m, 1, ...grid] as [m, ...grid]. */
const withoutChannel = ({ data, dims: [m = 0, , ...grid] }: Explanation["maps"]) => ({ data, dims: [m, ...grid] });

export const fullGrad: Method<"full-grad"> = {
  name: "full-grad",
  title: "FullGrad",
  summary: "Everything that the score is made of: the input's part and that of every bias, at every layer.",
  paper: "Srinivas and Fleuret 2019, https://arxiv.org/abs/1905.00780",
  family: "gradient",
  cost: "a forward and a backward pass, and a little for each layer, about 4",
  space: "pixels",
  explain: async (question) => ({ maps: withoutChannel(await question.atInput(fullGradMap)) }),
  graph: (question) => ({ map: question.build.squeeze(question.atInput(fullGradMap), [1]) }),
};
