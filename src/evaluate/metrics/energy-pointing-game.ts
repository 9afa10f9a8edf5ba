/** @file The energy-based pointing game (Wang et al. 2020, Score-CAM): the share of the map's sum that falls on the thing. */
import { each, type Metric } from "./metric.ts";
import { coverage } from "./regions.ts";

export const energyPointingGame: Metric = {
  name: "energy-pointing-game",
  title: "Energy pointing game",
  summary: "The share of the map's positive values that falls on the annotated thing; a blank map has none.",
  paper: "Wang et al. 2020, https://arxiv.org/abs/1910.01279",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture: { data, width, height } }) => {
    const region = coverage(objects, width, height).data;
    if (!region.includes(1)) return undefined;
    let [inside, all] = [0, 0];
    for (let i = 0; i < data.length; i++)
      if (data[i] > 0) {
        all += data[i];
        inside += data[i] * region[i];
      }
    return { share: all > 0 ? inside / all : 0 };
  }),
};
