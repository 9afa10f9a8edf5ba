/**
 * @file Do maps hold where the prediction does not (Selvaraju et al. 2017, section 4.5)? A picture is pushed until an absent class has a
 * probability above 0.9999, and the classes that are really there are explained before and after.
 *
 * The push is the iterative fast gradient sign method (Kurakin et al. 2017, https://arxiv.org/abs/1607.02533) along our own gradient of
 * the absent class's score less that of the best other one.
 */

import { rankCorrelation } from "../array/correlation.ts";
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { bestClasses, classScores } from "../explain/target.ts";
import { cellsSpan, undo } from "../image/geometry.ts";
import { type PeakOptions, peak } from "../image/locate.ts";
import type { PixelMap } from "../image/picture.ts";
import { methodName } from "../methods/by-name.ts";
import type { LoadOptions } from "../node/load.ts";
import type { Classifier } from "../tasks/classify/classification.ts";
import { openExaminee } from "./examinee.ts";
import { tolerance } from "./metrics/pointing-game.ts";
import { coverage, near } from "./metrics/regions.ts";
import { type Opened, openSample, type Sample } from "./sample.ts";
import type { Source } from "./source.ts";

/** The probability that the absent class must have, the step in units of the normalised input, and the most steps. */
export const attack = { probability: 0.9999, step: 0.005, steps: 300 } as const;

export interface Held {
  readonly picture: string;
  /** The class that is there, and the absent one that the picture was pushed to. */
  readonly class: number;
  readonly label: string;
  readonly absent: number;
  readonly absentLabel: string;
  /** Of the absent class, in the end; below the bound where the attack failed. */
  readonly probability: number;
  readonly steps: number;
  /** The largest change of the normalised input. */
  readonly change: number;
  /** Of the class that is there, before and after. */
  readonly before: number;
  readonly after: number;
  readonly methods: readonly HeldMap[];
}

export interface HeldMap {
  readonly method: string;
  /** Spearman's correlation of the map before with the map after, on the original picture's pixels that the network saw. */
  readonly correlation: number;
  /** Whether the maximum lies on the thing, before and after; undefined where nothing is annotated. */
  readonly hits?: readonly [before: boolean, after: boolean];
  readonly maps: readonly [before: PixelMap, after: PixelMap];
}

export interface AttackOptions {
  readonly samples: readonly Sample[];
  readonly source: Source;
  readonly model?: string;
  readonly load?: LoadOptions;
  readonly methods: readonly string[];
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** @throws UserError for a picture that cannot be read, and a model without probabilities. */
export async function attackAll(options: AttackOptions): Promise<Held[]> {
  const model = await openExaminee(options.model, options.load);
  const all: Held[] = [];
  try {
    for (const sample of options.samples) {
      if (options.signal?.aborted) throw new UserError("cancelled", "cancelled");
      const classifier = await model.classifierFor(sample);
      all.push(await attackOne(classifier, await openSample(sample, options.source), options));
      options.onProgress?.(all.length);
    }
    return all;
  } finally {
    await model.release();
  }
}

type Planes = { readonly data: Float32Array; readonly dims: readonly number[] };

async function attackOne(
  classifier: Classifier,
  opened: Opened,
  { methods, load: by, seed }: AttackOptions,
): Promise<Held> {
  const { picture, annotations, labels = [] } = opened;
  const { input, subject } = classifier.prepare<"picture">(picture);
  const { data, dims } = classifier.plain(input);
  const look = (values: Float32Array) =>
    classifier.explainer.forward(classifier.feeds(classifier.laidOut({ data: values, dims })), { layer: by?.layer });

  const clean = await look(data);
  const scores = classScores(clean.scores, 0);
  const ranking = bestClasses(scores, scores.length);
  const there = new Set([...annotations.flatMap(({ classes }) => classes), ...labels]);
  const present = ranking.find((c) => there.has(c)) ?? ranking[0];
  // Not one of the best: of few classes, one of the lower half.
  const strangers = ranking.slice(Math.min(5, Math.ceil(ranking.length / 2))).filter((c) => !there.has(c));
  if (strangers.length === 0)
    throw new UserError(
      "invalid-model",
      `invalid model for --adversarial: none of its ${ranking.length} classes is absent from ${opened.id}`,
    );
  const absent = strangers[randomFor(seed, "absent", opened.id).below(strangers.length)];

  const values = data.slice();
  let forward = clean;
  let [steps, reached] = [0, probabilityOf(classifier, scores, absent)];
  for (; reached <= attack.probability && steps < attack.steps; steps++) {
    const now = classScores(forward.scores, 0);
    const against = bestClasses(now, 2).find((c) => c !== absent) ?? present;
    const { pixels } = await forward.explain({ method: "gradient", target: { for: absent, against } });
    const gradient = pixels?.data as Float32Array;
    for (let i = 0; i < values.length; i++) values[i] += attack.step * Math.sign(gradient[i]);
    forward = await look(values);
    reached = probabilityOf(classifier, classScores(forward.scores, 0), absent);
  }

  const objects = annotations.filter(({ classes }) => classes.includes(present));
  const region = objects.length ? coverage(objects, picture.width, picture.height) : undefined;
  const held: HeldMap[] = [];
  for (const method of methods.map(methodName)) {
    const seen: PixelMap[] = [];
    let peakBy: PeakOptions = {};
    for (const pass of [clean, forward]) {
      const { maps, layer } = await pass.explain({ method, target: present });
      const { alignment } = await classifier.places.of(layer);
      const within = cellsSpan(maps.dims.slice(1), subject.geometry, alignment);
      peakBy = { rule: classifier.places.rule, within };
      seen.push(undo(maps.data as Float32Array, maps.dims.slice(1) as [number, number], subject.geometry, alignment));
    }
    const [before, after] = seen;
    const hit = (map: PixelMap) => {
      const top = peak(map, peakBy);
      return region !== undefined && top !== undefined && near(top, region, tolerance);
    };
    const looked = before.data.map((v, i) => (Number.isNaN(v) ? -1 : i)).filter((i) => i >= 0);
    const at = ({ data: all }: Planes | PixelMap) => Float32Array.from(looked, (i) => all[i]);
    const hits = region && ([hit(before), hit(after)] as const);
    held.push({
      method,
      correlation: rankCorrelation(at(before), at(after)),
      ...(hits && { hits }),
      maps: [before, after],
    });
  }
  return {
    picture: opened.id,
    ...{ class: present, label: classifier.labels.name(present), absent, absentLabel: classifier.labels.name(absent) },
    ...{ probability: reached, steps, change: data.reduce((most, v, i) => Math.max(most, Math.abs(values[i] - v)), 0) },
    before: probabilityOf(classifier, scores, present),
    after: probabilityOf(classifier, classScores(forward.scores, 0), present),
    methods: held,
  };
}

function probabilityOf(classifier: Classifier, scores: Float32Array, target: number): number {
  const found = classifier.probabilities(scores)[target];
  if (found === null)
    throw new UserError("invalid-model", "invalid model for --adversarial: it gives a value, and no probabilities");
  return found;
}
