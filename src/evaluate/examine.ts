/** @file One picture of an evaluation: its explanations by every method, and what every metric says of them. */

import { randomFor } from "../array/random.ts";
import type { PeakOptions } from "../image/locate.ts";
import type { PixelMap } from "../image/picture.ts";
import type { Classifier } from "../tasks/classify/classification.ts";
import type { About, Annotation, Case, Measurement, Metric } from "./metrics/metric.ts";
import type { Randomised } from "./randomise.ts";
import type { Opened } from "./sample.ts";
import { type AlignedMap, Subject, type Told } from "./subject.ts";

/** What is asked of every picture. */
export interface Protocol {
  /** Names of methods. */
  readonly methods: readonly string[];
  readonly metrics: readonly Metric[];
  readonly layer?: string;
  readonly seed: number;
  /** What the methods are told. */
  readonly told?: Told;
}

/** What a metric found on a picture by a method. */
export interface Finding {
  readonly method: string;
  readonly metric: string;
  readonly measurements: readonly Measurement[];
}

/** How a method's maps of a picture came out: blank and broken (not finite) ones are outcomes of their own. */
export interface Outcome {
  readonly method: string;
  readonly asked: number;
  readonly blank: number;
  readonly broken: number;
}

/** What came of a picture. */
export interface Examined {
  /** The best class. */
  readonly predicted: number;
  /** Whether it is the picture's; undefined where the dataset says nothing of that. */
  readonly right?: boolean;
  readonly findings: readonly Finding[];
  readonly outcomes: readonly Outcome[];
}

/** @throws UserError for a picture that cannot be explained. */
export async function examine(
  { id, picture, labels, annotations, attention }: Opened,
  classifier: Classifier,
  randomised: Randomised,
  { methods, metrics, layer, seed, told }: Protocol,
): Promise<Examined> {
  const subject = await Subject.of(picture, classifier, randomised, { layer, told, methods });
  const about = classesAbout(subject.ranking, annotations);
  const asked = [...new Set(metrics.flatMap((metric) => about[metric.about]))];

  const views = new Map<string, Map<number, View>>();
  for (const method of methods) {
    const maps = asked.length ? await subject.maps(method, asked) : new Map<number, AlignedMap>();
    views.set(method, new Map([...maps].map(([c, map]) => [c, new View(subject, map)])));
  }
  const viewsOf = (method: string, classes: readonly number[]): (readonly [number, View])[] =>
    classes.flatMap((c) => {
      const view = views.get(method)?.get(c);
      return view?.finite ? [[c, view] as const] : [];
    });

  const caseOf = (metric: string, method: string, c: number, view: View): Case => {
    const objects = annotations.filter(({ classes }) => classes.includes(c));
    return {
      ...{ class: c, rank: subject.ranking.indexOf(c), right: labels?.includes(c), objects, attention },
      ...{ others: annotations.length - objects.length, geometry: subject.geometry, blank: view.blank },
      peakBy: view.peakBy,
      get map() {
        return view.onInput;
      },
      get onPicture() {
        return view.onPicture;
      },
      get peers() {
        const others = methods.filter((other) => other !== method);
        return new Map(others.flatMap((other) => viewsOf(other, [c]).map(([, its]) => [other, its.onInput])));
      },
      probe: subject.probe(method, c),
      random: randomFor(seed, id, c, metric),
    };
  };

  const findings: Finding[] = [];
  for (const method of methods)
    for (const metric of metrics) {
      const cases = viewsOf(method, about[metric.about]).map(([c, view]) => caseOf(metric.name, method, c, view));
      const measurements = cases.length ? await metric.measure(cases) : [];
      if (measurements.length) findings.push({ method, metric: metric.name, measurements });
    }
  const outcomes = methods.map((method): Outcome => {
    const whole = viewsOf(method, asked);
    const blank = whole.filter(([, view]) => view.blank).length;
    return { method, asked: asked.length, blank, broken: asked.length - whole.length };
  });
  const [predicted] = subject.ranking;
  return { predicted, ...(labels && { right: labels.includes(predicted) }), findings, outcomes };
}

/** A map and where it is looked at: made when a metric asks, once for all metrics. */
class View {
  readonly finite: boolean;
  readonly blank: boolean;
  #onInput?: Float32Array;
  #onPicture?: PixelMap;

  constructor(
    private readonly subject: Subject,
    private readonly map: AlignedMap,
  ) {
    this.finite = map.data.every(Number.isFinite);
    this.blank = !map.data.some((v) => v > 0);
  }

  get peakBy(): PeakOptions {
    return this.subject.peakOf(this.map);
  }

  get onInput(): Float32Array {
    this.#onInput ??= this.subject.overInput(this.map);
    return this.#onInput;
  }

  get onPicture(): PixelMap {
    this.#onPicture ??= this.subject.overPicture(this.map);
    return this.#onPicture;
  }
}

function classesAbout(
  ranking: readonly number[],
  annotations: readonly Annotation[],
): Record<About, readonly number[]> {
  const meant = new Map(annotations.filter(({ crowd }) => !crowd).map(({ name, classes }) => [name, classes]));
  // Of the classes that mean a thing, the one that the model likes best.
  const annotated = [...meant.values()].flatMap((classes) => ranking.find((c) => classes.includes(c)) ?? []);
  return { predicted: ranking.slice(0, 1), top5: ranking.slice(0, 5), annotated: [...new Set(annotated)] };
}
