/** @file Behind the figures: how each class fares, and the pictures on which a metric comes out best and worst. */

import { mean } from "../array/statistics.ts";
import { metricNamed } from "./metrics/index.ts";
import type { Measured, Measurement, Metric } from "./metrics/metric.ts";
import type { Store } from "./store.ts";

/** A metric's leading figure for one class. */
export interface ClassFigure {
  readonly metric: string;
  readonly figure: string;
  readonly method: string;
  readonly class: number;
  readonly label: string;
  readonly value: number;
  /** Explanations behind it. */
  readonly count: number;
}

/** A picture on which a metric comes out best, or worst, over all methods. */
export interface Extreme {
  readonly metric: string;
  readonly figure: string;
  readonly end: "best" | "worst";
  readonly picture: string;
  readonly class: number;
  readonly label: string;
  /** By method. */
  readonly values: Readonly<Record<string, number>>;
}

export interface Details {
  readonly byClass: readonly ClassFigure[];
  readonly extremes: readonly Extreme[];
}

/** Of each end. */
const examples = 4;

export function detailsOf(
  store: Store,
  methods: readonly string[],
  metrics: readonly string[],
  labelOf: (index: number) => string,
): Details {
  const byClass: ClassFigure[] = [];
  const extremes: Extreme[] = [];
  for (const metric of metrics.map(metricNamed)) {
    const seen = new Map<string, Seen>();
    for (const method of methods) {
      const measured = store.measured(method, metric.name);
      const figure = leading(measured);
      if (figure === undefined) continue;
      const classes = new Map<number, number[]>();
      for (const { picture, measurements } of measured)
        for (const one of measurements) {
          const value = one.values[figure];
          if (typeof value !== "number") continue;
          const c = one.class ?? store.predicted(picture);
          const its = classes.get(c) ?? [];
          its.push(value);
          classes.set(c, its);
          const key = JSON.stringify([picture, c]);
          const before = seen.get(key) ?? { picture, class: c, label: labelOf(c), figure, values: {} };
          seen.set(key, { ...before, values: { ...before.values, [method]: value } });
        }
      const { name } = metric;
      for (const [c, values] of [...classes].sort(([a], [b]) => a - b))
        byClass.push({
          ...{ metric: name, figure, method, class: c, label: labelOf(c) },
          ...{ value: mean(values), count: values.length },
        });
    }
    extremes.push(...ends(metric, [...seen.values()]));
  }
  return { byClass, extremes };
}

type Seen = Omit<Extreme, "metric" | "end">;

/** The first value that is a number, the same for every picture. */
function leading(measured: readonly Measured[]): string | undefined {
  const numbers = ({ values }: Measurement) => Object.keys(values).filter((key) => typeof values[key] === "number");
  return measured.flatMap(({ measurements }) => measurements.flatMap(numbers))[0];
}

function ends({ name, better }: Metric, seen: readonly Seen[]): Extreme[] {
  if (better === "neither") return [];
  const sign = better === "higher" ? 1 : -1;
  const score = ({ values }: Seen) => sign * mean(Object.values(values));
  const ranked = [...seen].sort((a, b) => score(b) - score(a) || (a.picture < b.picture ? -1 : 1));
  const count = Math.min(examples, Math.floor(ranked.length / 2));
  const as = (end: "best" | "worst") => (one: Seen) => ({ metric: name, end, ...one });
  return [
    ...ranked.slice(0, count).map(as("best")),
    ...ranked
      .slice(ranked.length - count)
      .reverse()
      .map(as("worst")),
  ];
}
