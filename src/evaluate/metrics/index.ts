/** @file The registry of metrics: library, command line, documents and tests read this one list. */
import { listing, UserError } from "../../errors.ts";
import { agreement } from "./agreement.ts";
import { attentionCorrelation } from "./attention-correlation.ts";
import { averageDrop } from "./average-drop.ts";
import { deletion, insertion } from "./deletion-insertion.ts";
import { energyPointingGame } from "./energy-pointing-game.ts";
import { extendedPointingGame } from "./extended-pointing-game.ts";
import { infidelity } from "./infidelity.ts";
import { insideOutside } from "./inside-outside.ts";
import { localisationError } from "./localisation-error.ts";
import { maskOverlap } from "./mask-overlap.ts";
import { maxBoxAccuracy } from "./max-box-accuracy.ts";
import { maxSensitivity } from "./max-sensitivity.ts";
import type { Metric } from "./metric.ts";
import { occlusionCorrelation } from "./occlusion-correlation.ts";
import { pointingGame } from "./pointing-game.ts";
import { faithfulnessCorrelation, sensitivityN } from "./random-subsets.ts";
import { cascadingRandomisation, independentRandomisation, randomLogit } from "./randomisation.ts";
import { relevanceRankAccuracy } from "./relevance-rank-accuracy.ts";
import { road } from "./road.ts";
import { complexity, sparseness } from "./spread.ts";

export const metrics: readonly Metric[] = [
  localisationError,
  maxBoxAccuracy,
  pointingGame,
  extendedPointingGame,
  energyPointingGame,
  insideOutside,
  maskOverlap,
  occlusionCorrelation,
  attentionCorrelation,
  deletion,
  insertion,
  averageDrop,
  road,
  faithfulnessCorrelation,
  sensitivityN,
  infidelity,
  maxSensitivity,
  cascadingRandomisation,
  independentRandomisation,
  randomLogit,
  sparseness,
  complexity,
  agreement,
  relevanceRankAccuracy,
];

/** @throws UserError `unknown-name` that lists the metrics. */
export function metricNamed(name: string): Metric {
  const metric = metrics.find((m) => m.name === name);
  if (!metric)
    throw new UserError(
      "unknown-name",
      `unknown metric: "${name}"; allowed are ${listing(
        metrics.map((m) => m.name),
        40,
      )}`,
    );
  return metric;
}
