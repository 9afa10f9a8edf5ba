/** @file How methods agree: the rank correlation of a map with those of the other methods that run (Krishna et al. 2022). */

import { rankCorrelation } from "../../array/correlation.ts";
import { each, type Metric } from "./metric.ts";

export const agreement: Metric = {
  name: "agreement",
  title: "Agreement between methods",
  summary: "Spearman's correlation of the map with every other method's, on the network's input.",
  paper: "Krishna et al. 2022, https://arxiv.org/abs/2202.01602",
  about: "predicted",
  better: "neither",
  measure: each(({ map, peers }) =>
    Object.fromEntries([...peers].map(([method, other]) => [method, rankCorrelation(map, other)])),
  ),
};
