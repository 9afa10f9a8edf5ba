/** @file The energy-based pointing game (Wang et al. 2020, Score-CAM): the fraction of the map's sum that falls on the thing. */
import { each, type Metric } from "./metric.ts";
import { coverage, energyOn } from "./regions.ts";

export const energyPointingGame: Metric = {
  name: "energy-pointing-game",
  title: "Energy pointing game",
  summary: "The fraction of the map's positive values inside the annotated object; 0 for a blank map.",
  paper: "Wang et al. 2020, https://arxiv.org/abs/1910.01279",
  about: "annotated",
  needs: "boxes",
  better: "higher",
  measure: each(({ objects, onPicture }) => {
    const region = coverage(objects, onPicture.width, onPicture.height);
    return region.data.includes(1) ? { share: energyOn(onPicture, region) } : undefined;
  }),
};
