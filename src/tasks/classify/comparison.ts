/** @file How far one map stands from another of the same grid: what a quantised or half-precision model changed. */

import { pearson } from "../../array/correlation.ts";
import type { Dense } from "../../array/dense.ts";
import { expects, isRecord, UserError } from "../../errors.ts";

export interface MapDifference {
  /** Pearson's, over the cells; null where a map is the same everywhere. */
  readonly correlation: number | null;
  /** The largest difference of two cells, over the reference's largest magnitude; null where that is 0. */
  readonly difference: number | null;
}

/** @throws UserError `invalid-option` for maps of different grids. */
export function compareMaps(map: Dense, reference: Dense): MapDifference {
  for (const one of [map, reference]) expects(isRecord(one) && one.data?.length > 0, "map", one, "{ data, dims }");
  if (String(map.dims) !== String(reference.dims))
    throw new UserError(
      "invalid-option",
      `invalid reference: its map has the grid [${reference.dims}], the model's [${map.dims}]; name a layer that both have with --layer`,
    );
  const scale = reference.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const apart = map.data.reduce((most, v, i) => Math.max(most, Math.abs(v - (reference.data[i] ?? Number.NaN))), 0);
  const correlation = pearson(map.data, reference.data);
  return {
    correlation: Number.isNaN(correlation) ? null : correlation,
    difference: scale > 0 ? apart / scale : null,
  };
}

/** How far two places are apart, in the sample's units; null where either is missing. */
export function peakDistance<P extends object>(a: P | undefined, b: P | undefined): number | null {
  if (!a || !b) return null;
  return Math.hypot(
    ...Object.entries(a).map(([axis, value]) => value - ((b as Record<string, number>)[axis] ?? Number.NaN)),
  );
}
