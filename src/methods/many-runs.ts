/** @file What methods of many runs say of themselves; how they explain is loaded when they are first asked. */
import type { Method } from "./method.ts";
import { choiceOption, numberOption, signOption, wholeOption } from "./options.ts";
import { ofAllButWords, ofWholePictures } from "./tasks.ts";

export const scoreCam: Method<"score-cam"> = {
  name: "score-cam",
  title: "Score-CAM",
  summary:
    "The layer's channels, weighted by the score of the picture seen through each. A forward pass for every channel, and no gradient.",
  paper: "Wang et al. 2020, https://arxiv.org/abs/1910.01279",
  family: "cam",
  cost: "one for each channel of the layer (or of `channels`), times `samples` and `steps`, for all classes together",
  options: [
    ...[signOption, wholeOption("batch", 16), wholeOption("channels", 0, 0), wholeOption("steps", 1)],
    ...[wholeOption("samples", 0, 0), numberOption("sigma", 2), wholeOption("seed", 0, 0)],
  ],
  tasks: ofAllButWords,
  space: "layer",
  explain: async (question) => (await import("./score-cam.ts")).explain(question),
};

export const ablationCam: Method<"ablation-cam"> = {
  name: "ablation-cam",
  title: "Ablation-CAM",
  summary: "The layer's channels, weighted by how far the score drops without each. No gradient.",
  paper: "Desai and Ramaswamy 2020, https://doi.org/10.1109/WACV45572.2020.9093360",
  family: "cam",
  cost: "1, and what lies behind the layer for each of its channels, for all classes together; 1 in front of a linear head",
  options: [signOption],
  tasks: ofAllButWords,
  space: "layer",
  explain: async (question) => (await import("./ablation-cam.ts")).explain(question),
};

export const smoothGradCamPlusPlus: Method<"smooth-grad-cam++"> = {
  name: "smooth-grad-cam++",
  title: "Smooth Grad-CAM++",
  summary: "Grad-CAM++ with gradients averaged over noisy copies of the picture.",
  paper: "Omeiza et al. 2019, https://arxiv.org/abs/1908.01224",
  family: "cam",
  cost: "one for each sample and one more, and what lies behind the layer, backwards",
  options: [signOption, wholeOption("samples", 4), numberOption("sigma", 0.3), wholeOption("seed", 0, 0)],
  tasks: ofWholePictures,
  space: "layer",
  explain: async (question) => (await import("./smooth-grad-cam++.ts")).explain(question),
};

export const reciproCam: Method<"recipro-cam"> = {
  name: "recipro-cam",
  title: "Recipro-CAM",
  summary: "The score that each position of a layer has alone. No gradient.",
  paper: "Byun and Lee 2022, https://arxiv.org/abs/2209.14074",
  family: "cam",
  cost: "1, and what lies behind the layer for each of its positions, for all classes together",
  options: [numberOption("sigma", 0), choiceOption("mask", ["gaussian", "binomial"])],
  tasks: ofAllButWords,
  space: "layer",
  nothing: (question, negative) =>
    negative
      ? `no position alone gives "${question}" a score above 0`
      : `every position alone gives "${question}" the score 0`,
  explain: async (question) => (await import("./recipro-cam.ts")).explain(question),
};
