/** @file Paths to a picture, along which gradients are summed up. */
import { uniformFrom } from "../../array/random.ts";
import type { Explanation, MethodOptions, Question } from "../method.ts";
import { baselineOf } from "./baseline.ts";
import { blurred } from "./blur.ts";
import { noisy } from "./noise.ts";
import { type Steps, summed } from "./steps.ts";

/** The straight path from a baseline, by the midpoint rule. */
const straight = ({ steps, baseline }: MethodOptions): Steps => ({
  count: steps,
  of(picture) {
    const start = baselineOf(picture, baseline);
    const by = picture.data.map((value, p) => (value - start[p]) / steps);
    return (step) => ({ at: start.map((value, p) => value + by[p] * (step + 0.5)), by });
  },
});

/** Random points of the straight paths to noisy pictures. */
const randomPoints = (options: MethodOptions): Steps => ({
  count: options.samples,
  samples: true,
  of(picture) {
    const start = baselineOf(picture, options.baseline);
    const draw = noisy(picture, options);
    const uniform = uniformFrom(options.seed);
    return () => {
      const by = draw().map((value, p) => value - start[p]);
      const share = uniform();
      return { at: start.map((value, p) => value + share * by[p]), by };
    };
  },
});

/** From a blurred picture to the sharp one. */
const sharpening = ({ steps, sigma }: MethodOptions): Steps => ({
  count: steps,
  of(picture) {
    const blurAt = (step: number) => blurred(picture, sigma * (1 - step / steps) ** 2, "zero");
    let before = blurAt(0);
    return (step) => {
      const after = blurAt(step + 1);
      const at = after.map((value, p) => (value + before[p]) / 2);
      const by = after.map((value, p) => value - before[p]);
      before = after;
      return { at, by };
    };
  },
});

export const alongStraight = (question: Question): Promise<Explanation> => summed(question, straight(question.options));

export const atRandomPoints = (question: Question): Promise<Explanation> =>
  summed(question, randomPoints(question.options));

export const alongBlurs = (question: Question): Promise<Explanation> => summed(question, sharpening(question.options));
