/** @file Which pictures of a dataset fit a study, and how well the models do on it. */

import { randomFor } from "../../array/random.ts";
import { UserError } from "../../errors.ts";
import { ClassNames } from "../../evaluate/datasets/classes.ts";
import { readDataset } from "../../evaluate/datasets/index.ts";
import type { Sample } from "../../evaluate/sample.ts";
import { sourceAt } from "../../evaluate/source.ts";
import { bestClasses, classScores } from "../../explain/target.ts";
import type { Picture } from "../../image/picture.ts";
import type { LoadedClassifier } from "../../node/load.ts";
import type { StudiedModel } from "../study.ts";
import type { Drawer } from "./drawer.ts";
import type { DesignOptions } from "./options.ts";
import { type Look, type Question, rightClasses } from "./plan.ts";
import { plans } from "./plans.ts";

/** Models are judged on so many pictures at most, drawn by the seed. */
const surveyed = 2000;

export interface SurveyOptions
  extends Pick<DesignOptions, "kind" | "dataset" | "format" | "mapping" | "seed" | "onProgress" | "signal"> {
  /** How many fitting pictures are enough, where no accuracy is measured. */
  readonly enough: number;
}

/** A picture that fits, and its questions. */
export interface Fitting {
  readonly sample: Sample;
  readonly questions: readonly Question[];
  /** Whether the first model is right about it, where the dataset tells. */
  readonly right?: boolean;
}

/** Looks for pictures that fit, in the seed's order, and counts what the models name right on the way. */
export async function survey(
  { kind, dataset, format, mapping, seed, enough, onProgress, signal }: SurveyOptions,
  models: readonly LoadedClassifier[],
  drawer: Drawer,
): Promise<{ fitting: Fitting[]; studied: StudiedModel[] }> {
  const plan = plans[kind];
  const source = sourceAt(dataset);
  const readings: ReadonlyMap<string, Sample>[] = [];
  for (const { classifier } of models) {
    const { samples } = await readDataset(source, new ClassNames(classifier.labels.names, mapping), format);
    readings.push(new Map(samples.map((sample) => [sample.id, sample])));
  }
  const suiting = [...readings[0].keys()].filter((id) =>
    readings.every((reading) => {
      const sample = reading.get(id);
      return sample && plan.suits(sample);
    }),
  );
  const ids = shuffled(suiting, seed).slice(0, plan.accuracy ? surveyed : undefined);
  const fitting: Fitting[] = [];
  const right = models.map(() => 0);
  let judged = 0;
  for (const [done, id] of ids.entries()) {
    stopped(signal);
    if (!plan.accuracy && fitting.length === enough) break;
    const samples = readings.map((reading) => reading.get(id) as Sample);
    const picture = await drawer.open(samples[0]);
    const looks: Look[] = [];
    for (const [i, model] of models.entries()) looks.push(await look(model, picture, samples[i]));
    const hits = looks.map(({ sample, ranking }) => rightClasses(sample)?.includes(ranking[0]));
    if (hits.every((hit) => hit !== undefined)) {
      judged++;
      hits.forEach((hit, i) => {
        right[i] += Number(hit);
      });
    }
    const questions = plan.questions(looks);
    if (questions.length)
      fitting.push({ sample: samples[0], questions, ...(hits[0] !== undefined && { right: hits[0] }) });
    onProgress?.({ what: "images surveyed", done: done + 1, total: ids.length });
  }
  const studied = models.map(({ classifier, sha256 }, i) => ({
    name: classifier.name,
    sha256,
    ...(plan.accuracy && judged && { accuracy: { right: right[i], of: judged } }),
  }));
  return { fitting, studied };
}

async function look({ classifier }: LoadedClassifier, picture: Picture, sample: Sample): Promise<Look> {
  const forward = await classifier.explainer.forward(classifier.feeds(classifier.prepare<"picture">(picture).input));
  const scores = classScores(forward.scores, 0);
  return { sample, ranking: bestClasses(scores, scores.length), name: (c) => classifier.labels.name(c) };
}

/** By the order of the names' hashes: the same whatever the order of the dataset. */
function shuffled(ids: readonly string[], seed: number): string[] {
  const keyed = ids.map((id) => ({ id, key: randomFor(seed, "picture", id).uniform() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ id }) => id);
}

/** @throws UserError `cancelled` */
export function stopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UserError("cancelled", "cancelled: nothing was written");
}
