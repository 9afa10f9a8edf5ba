/** @file From measurements to figures: each with its interval, the methods compared in pairs. */

import { randomFor } from "../array/random.ts";
import { bootstrap, type Estimate } from "../array/statistics.ts";
import type { Outcome } from "./examine.ts";
import { metricNamed } from "./metrics/index.ts";
import type { Measured, Metric } from "./metrics/metric.ts";
import type { Failure, Store } from "./store.ts";

/** A method's figure. */
export interface Figure extends Estimate {
  readonly method: string;
  readonly metric: string;
  readonly figure: string;
}

/** How far one method is ahead of another, on the pictures that both have. */
export interface Difference extends Estimate {
  readonly metric: string;
  readonly figure: string;
  readonly method: string;
  readonly than: string;
}

export interface Summary {
  readonly examined: number;
  /** Of the pictures whose class the dataset says, how many the model named right. */
  readonly right?: { readonly count: number; readonly of: number };
  readonly failures: readonly Failure[];
  readonly outcomes: readonly Outcome[];
  readonly figures: readonly Figure[];
  readonly differences: readonly Difference[];
}

/** Sums up a store; the figures depend on what was measured alone, not on the order of the work. */
export function summarise(store: Store, methods: readonly string[], metrics: readonly string[], seed: number): Summary {
  const { examined, judged, right, failures } = store.tally();
  const figures: Figure[] = [];
  const differences: Difference[] = [];
  for (const name of metrics) {
    const metric = metricNamed(name);
    const measured = new Map(methods.map((method) => [method, store.measured(method, name)]));
    for (const [method, its] of measured)
      for (const [figure, of] of Object.entries(statistics(metric, its))) {
        const estimate = bootstrap(its, of, randomFor(seed, "bootstrap", name, figure, method));
        figures.push({ method, metric: name, figure, ...estimate });
      }
    methods.forEach((method, i) => {
      for (const than of methods.slice(i + 1)) {
        const pairs = paired(measured.get(method) ?? [], measured.get(than) ?? []);
        const [a, b] = [
          statistics(
            metric,
            pairs.map(([x]) => x),
          ),
          statistics(
            metric,
            pairs.map(([, y]) => y),
          ),
        ];
        for (const figure of Object.keys(a).filter((key) => key in b)) {
          const difference = (drawn: readonly Pair[]) =>
            a[figure](drawn.map(([x]) => x)) - b[figure](drawn.map(([, y]) => y));
          const estimate = bootstrap(pairs, difference, randomFor(seed, "paired", name, figure, method, than));
          differences.push({ metric: name, figure, method, than, ...estimate });
        }
      }
    });
  }
  const outcomes = methods.map((method) => store.outcome(method));
  return { examined, ...(judged && { right: { count: right, of: judged } }), failures, outcomes, figures, differences };
}

type Statistic = (drawn: readonly Measured[]) => number;

/** The figures that a metric has here, by name. */
function statistics(metric: Metric, measured: readonly Measured[]): Record<string, Statistic> {
  const { summarise: own } = metric;
  const names = Object.entries((own ?? meansOf(measured))(measured)).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  return Object.fromEntries(
    names.map((name) => [name, own ? (drawn: readonly Measured[]) => own(drawn)[name] ?? Number.NaN : meanOf(name)]),
  );
}

const meansOf = (measured: readonly Measured[]) => (): Record<string, number> => {
  const names = new Set(
    measured.flatMap(({ measurements }) => measurements.flatMap(({ values }) => Object.keys(values))),
  );
  return Object.fromEntries([...names].map((name) => [name, 0]));
};

/** The mean of a value over the explanations that have it. */
const meanOf =
  (name: string): Statistic =>
  (drawn) => {
    let [total, count] = [0, 0];
    for (const { measurements } of drawn)
      for (const { values } of measurements) {
        const value = values[name];
        if (typeof value !== "number") continue;
        total += value;
        count++;
      }
    return total / count;
  };

type Pair = readonly [Measured, Measured];

function paired(a: readonly Measured[], b: readonly Measured[]): Pair[] {
  const others = new Map(b.map((one) => [one.picture, one]));
  return a.flatMap((one): Pair[] => {
    const other = others.get(one.picture);
    return other ? [[one, other]] : [];
  });
}
