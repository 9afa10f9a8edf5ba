/**
 * @file Finer-CAM (Zhang et al. 2025, arXiv 2501.11309): Grad-CAM of what sets a class apart from the classes nearest to it in score.
 *
 *   y = y_c - gamma * mean of y_d over the 3 classes d whose scores are nearest to that of c
 *
 * A contrast of classes is that of their y, and a counterfactual is -y.
 */
import { range } from "../onnx/dims.ts";
import { gradCamMaps } from "./grad-cam.ts";
import type { Method } from "./method.ts";
import { numberOption, signOption } from "./options.ts";
import { camMaps } from "./signed-maps.ts";

const rivals = 3;

export const finerCam: Method<"finer-cam"> = {
  name: "finer-cam",
  title: "Finer-CAM",
  summary: "What sets a class apart from those that look most like it.",
  paper: "Zhang et al. 2025, https://arxiv.org/abs/2501.11309",
  family: "cam",
  cost: "1, and almost nothing for a further class",
  tasks: ["classification", "zero-shot-classification", "question-answering", "video-classification"],
  options: [signOption, numberOption("gamma", 0.6)],
  uncompiled: "chooses its classes by the scores of a run, a compiled model is told one",
  space: "layer",
  explain: camMaps(
    () => gradCamMaps,
    ({ gamma }) =>
      (weights, scores) => {
        const apart = ([c, weight]: readonly [number, number]) => {
          const nearest = range(scores.length)
            .filter((d) => d !== c)
            .sort((a, b) => Math.abs(scores[a] - scores[c]) - Math.abs(scores[b] - scores[c]) || a - b)
            .slice(0, rivals);
          return [[c, weight], ...nearest.map((d) => [d, (-gamma * weight) / nearest.length])] as const;
        };
        const sums = new Map<number, number>();
        for (const [c, weight] of weights.flatMap(apart)) sums.set(c, (sums.get(c) ?? 0) + weight);
        return [...sums];
      },
  ).explain,
};
