/**
 * @file GradientSHAP (Lundberg and Lee 2017, arXiv 1705.07874, by expected gradients: Erion et al. 2021, arXiv 1906.10670): integrated gradients
 * of noisy copies, each at one random point of its path.
 *
 *   R = 1/N sum_n (x_n - x') * d(score)/dx at x' + a_n (x_n - x'),    x_n = x + e_n,    e_n ~ N(0, sigma^2),    a_n ~ U(0, 1)
 */
import { uniformFrom } from "../../array/random.ts";
import type { Explanation, Method, Question } from "../method.ts";
import { type Baseline, baselineOf } from "./baseline.ts";
import { type Noise, noisy } from "./noise.ts";
import { summed } from "./steps.ts";

/** Half of SmoothGrad's noise: the paths smooth as well. */
export const usualDraws: Noise & { readonly baseline: Baseline } = { samples: 50, sigma: 0.07, seed: 0, baseline: 0 };

export const gradientShapOf = (question: Question, options: typeof usualDraws): Promise<Explanation> =>
  summed(question, {
    count: options.samples,
    of(picture) {
      const start = baselineOf(picture, options.baseline);
      const draw = noisy(picture, options);
      const uniform = uniformFrom(options.seed);
      return () => {
        const difference = draw().map((value, p) => value - start[p]);
        const share = uniform();
        const at = start.map((value, p) => value + share * difference[p]);
        return { at, by: difference.map((value) => value / options.samples) };
      };
    },
  });

export const gradientShap: Method<"gradient-shap"> = {
  name: "gradient-shap",
  title: "GradientSHAP",
  summary: "Integrated gradients of noisy copies at random points of the path: an estimate of SHAP values.",
  paper: "Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874",
  space: "pixels",
  nothing: (question) => `no pixel changes the score of "${question}" on the way from the blank image`,
  explain: (question) => gradientShapOf(question, usualDraws),
};
