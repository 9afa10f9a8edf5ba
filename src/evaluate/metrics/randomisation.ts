/**
 * @file Sanity checks: a map that explains the model must change when the model does.
 *
 * Cascading: weights are randomised from the top down, each stage with all above it. Independent: one layer at a time (Adebayo et al.
 * 2018). Random logit: the map of another class (Sixt et al. 2020). The closer to 0 the correlation, the more the map has noticed.
 */

import { rankCorrelation } from "../../array/correlation.ts";
import { mean } from "../../array/statistics.ts";
import { type Case, each, type Metric, type Values } from "./metric.ts";

const adebayo = {
  paper: "Adebayo et al. 2018, https://arxiv.org/abs/1810.03292",
  about: "predicted",
  better: "lower",
} as const;

export const cascadingRandomisation: Metric = {
  ...adebayo,
  name: "cascading-randomisation",
  title: "Cascading randomisation",
  summary:
    "Spearman's correlation of the map with that of the model whose weights are randomised from the top down to a layer.",
  measure: each((one) => similarities(one, "cascading")),
};

export const independentRandomisation: Metric = {
  ...adebayo,
  name: "independent-randomisation",
  title: "Independent randomisation",
  summary: "Spearman's correlation of the map with that of the model in which only one layer is randomised.",
  measure: each((one) => similarities(one, "independent")),
};

export const randomLogit: Metric = {
  name: "random-logit",
  title: "Random logit",
  summary: "Spearman's correlation of the map with that of another class, drawn at random.",
  paper: "Sixt et al. 2020, https://arxiv.org/abs/1912.09818",
  about: "predicted",
  better: "lower",
  measure: each(async ({ class: c, map, probe, random }) => {
    if (probe.classes < 2) return undefined;
    const other = (c + 1 + random.below(probe.classes - 1)) % probe.classes;
    return { correlation: rankCorrelation(map, await probe.mapFor(other)) };
  }),
};

async function similarities({ map, probe }: Case, how: "cascading" | "independent"): Promise<Values> {
  const values: Record<string, number> = {};
  for (const [stage, name] of probe.stages.entries())
    values[name] = rankCorrelation(map, await probe.mapRandomised(stage, how));
  return { ...values, mean: mean(Object.values(values)) };
}
