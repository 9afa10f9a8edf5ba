/** @file Faithfulness by occlusion (Selvaraju et al. 2017, section 5.3): rank correlation with the map of what hiding patches costs. */
import { rankCorrelation } from "../../array/correlation.ts";
import { each, type Metric } from "./metric.ts";

export const occlusionCorrelation: Metric = {
  name: "occlusion-correlation",
  title: "Correlation with occlusion",
  summary:
    "Spearman's correlation of the map with the occlusion map (patch 32, stride 16) on the network's input; 0 for a blank map.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  about: "predicted",
  better: "higher",
  measure: each(async ({ map, probe }) => ({ correlation: rankCorrelation(map, await probe.occlusion()) })),
};
