/** @file Agreement with people (Das et al. 2016, VQA-HAT; Selvaraju et al. 2017): rank correlation with where people looked. */

import { rankCorrelation } from "../../array/correlation.ts";
import { each, type Metric } from "./metric.ts";

export const attentionCorrelation: Metric = {
  name: "attention-correlation",
  title: "Correlation with human attention",
  summary:
    "Spearman's correlation of the map with a map of human attention, over the pixels inside the network's input.",
  paper: "Das et al. 2016, https://arxiv.org/abs/1606.03556",
  about: "predicted",
  needs: "attention",
  better: "higher",
  measure: each(({ onPicture, attention }) => {
    if (!attention) return undefined;
    const seen = Uint32Array.from(onPicture.data.keys()).filter((i) => !Number.isNaN(onPicture.data[i]));
    const at = (data: Float32Array) => Float32Array.from(seen, (i) => data[i]);
    return { correlation: rankCorrelation(at(onPicture.data), at(attention.data)) };
  }),
};
