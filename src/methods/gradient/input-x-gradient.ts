/**
 * @file Input x gradient (Shrikumar et al. 2016, arXiv 1605.01713, section 2.1): what each pixel contributes, to first order.
 *
 *   R = x * d(score)/dx
 */
import type { Method } from "../method.ts";
import { explanation, picturesOf } from "./steps.ts";

export const inputXGradient: Method<"input-x-gradient"> = {
  name: "input-x-gradient",
  title: "Input x Gradient",
  summary: "What each pixel contributes to the score, to first order.",
  paper: "Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713",
  family: "gradient",
  cost: "a forward and a backward pass, about 3",
  space: "pixels",
  nothing: (question) => `the input times the gradient of the score of "${question}" is 0 at every pixel`,
  async explain(question) {
    const { data } = await question.atInput("plain");
    const pictures = picturesOf(question);
    const values = Float64Array.from(data);
    const size = pictures[0]?.data.length ?? 0;
    for (let row = 0; row * size < values.length; row++) {
      const picture = pictures[Math.floor(row / question.k)]?.data ?? [];
      for (let p = 0; p < size; p++) values[row * size + p] *= picture[p] ?? 0;
    }
    return explanation(question, values);
  },
  graph({ build, image, atInput }) {
    const gradient = atInput("plain");
    return { pixels: build.mul(build.cast(image(), gradient.type), gradient) };
  },
};
