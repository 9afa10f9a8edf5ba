/** @file Classifiers and detectors behind the service: with a few layers, and several samples in a run where they have one size and the model keeps them apart. */

import type { ModelCard } from "../client/contract.ts";
import { listing, throwIfAborted, UserError } from "../errors.ts";
import { keepFor } from "../explain/sessions.ts";
import { preparedDims } from "../image/prepared-size.ts";
import { type MethodName, methodNames } from "../methods/by-name.ts";
import { type LoadedClassifier, type LoadOptions, load } from "../node/load.ts";
import { explainedType, readSample, type SampleOptions } from "../node/samples.ts";
import { Classifier, type Why } from "../tasks/classify/classification.ts";
import { mostBoxes } from "../tasks/detect/box-questions.ts";
import { isPicture, type Kind, type Sample } from "../tasks/sample.ts";
import { explainBy } from "../tasks/subject.ts";
import { checkRendering, mapsOf, passesOf } from "./cost.ts";
import { checkInputSize } from "./dynamic-size.ts";
import { checkServedOptions } from "./method-options.ts";
import { usual } from "./options.ts";
import { render } from "./render.ts";
import type { Served } from "./served.ts";
import { checkUpload } from "./uploads.ts";
import { type Bounds, type Job, type ModelSource, type Outcome, toWire } from "./work.ts";

/** Layers of a model that may be asked for: each brings sessions that stay. */
const mostLayers = 4;
/** How far scores of a run side by side may stand from those alone, of the largest. */
const tolerance = 1e-3;

type Limits = SampleOptions & Bounds;
type Dims = readonly number[];

interface Opened {
  readonly card: ModelCard;
  readonly model: LoadedClassifier;
  readonly together: boolean;
  /** Whether its input is as large as the sample. */
  readonly dynamic: boolean;
}

/** @throws UserError for what `load` refuses, and a model that does not answer about a sample alone. */
export async function openClassifier(
  { name, source }: ModelSource,
  loading: LoadOptions,
  { maxRender }: Bounds,
): Promise<Served> {
  const model = await load(source, { ...loading, keep: keepFor(methodNames) });
  const { subject, sha256 } = model;
  const { kind, labels, explainer } = subject;
  const dims = inputDims(model);
  const dynamic = dims.includes(-1);
  // Of a detector the levels of its boxes come first.
  const known = subject instanceof Classifier ? explainer.layers : subject.reading.layers;
  const layers = known.slice(0, mostLayers).map((layer) => ({
    name: layer.name,
    shape: [...layer.shape],
    grid: [...layer.grid],
  }));
  const detects = subject.reading.head && ({ detects: true } as const);
  const card: ModelCard = { name, task: "explain", sha256, kind, ...detects, labels: [...labels.names], layers };
  // Samples of several sizes share no run.
  const opened = { card, model, dynamic, together: !dynamic && (await keepsApart(model, dims)) };
  const limits = { ...loading, maxRender, maxValues: mostValues(dims, loading.canvas) };
  return {
    card,
    together: opened.together,
    answer: (jobs, signalOf) => answerAll(opened, jobs as Job<"explain">[], limits, signalOf),
  };
}

/** How many values an array may have, which is fed as it is: those that the model takes, or those of the largest picture. */
const mostValues = (dims: Dims, canvas: number = usual.canvas): number =>
  dims.reduce((size, dim) => size * Math.max(1, dim), dims.includes(-1) ? canvas : 1);

/** The sizes of what the network is fed, without the batch: pictures come in the size that they are prepared to. */
function inputDims({ subject }: LoadedClassifier): Dims {
  const { kind, explainer } = subject;
  const [, ...dims] = explainer.tensors.get(explainer.imageInput ?? "")?.dims ?? [];
  if (kind !== "picture" || !dims.includes(-1)) return dims;
  if (!(subject instanceof Classifier)) {
    const { preparation } = subject.reading;
    return (preparation && preparedDims(preparation)) ?? dims;
  }
  const { crop, channels, layout } = subject.preprocess;
  if (!crop) return dims;
  return layout === "NCHW" ? [channels, crop.height, crop.width] : [crop.height, crop.width, channels];
}

/**
 * Whether two samples that share a run get the scores that each gets alone: where a model scales by what is largest in the batch, as
 * dynamic quantisation does, an answer would tell of a stranger's picture.
 */
async function keepsApart({ subject }: LoadedClassifier, dims: Dims): Promise<boolean> {
  const size = dims.reduce((a, b) => a * b, 1);
  const samples = [1, 25].map((scale) => ({
    data: Float32Array.from({ length: size }, (_, i) => (scale * ((i * 7919) % 1013)) / 1013),
    dims,
  }));
  const alone: Why<Kind>[] = [];
  for (const sample of samples) alone.push(await explainBy<Kind>(subject, sample, {}));
  // Every picture of a detector has rows of its own, its boxes, in a run of its own.
  if (!(subject instanceof Classifier)) return false;
  if (subject.explainer.tensors.get(subject.explainer.imageInput ?? "")?.dims[0] !== -1) return false;
  const both = await subject.explainAll<Kind>(samples.map((sample) => ({ sample })));
  return both.every((result, i) => result.status === "fulfilled" && alike(result.value, alone[i]));
}

const alike = (a: Why<Kind>, b: Why<Kind>): boolean =>
  a.predictions.every(({ class: c, score }) => {
    const other = b.predictions.find((p) => p.class === c)?.score ?? Number.NaN;
    return Math.abs(score - other) <= tolerance * Math.max(1, Math.abs(b.predictions[0].score));
  });

/** Answers jobs about one model at one layer. A job that fails fails alone. */
async function answerAll(
  opened: Opened,
  jobs: readonly Job<"explain">[],
  limits: Limits,
  signalOf: (job: Job) => AbortSignal,
): Promise<Outcome[]> {
  const { model, card, together } = opened;
  const layer = jobs[0].question.layer;
  const { subject } = model;
  const samples = await Promise.allSettled(jobs.map((job) => sampleOf(job, opened, limits, signalOf(job))));
  const right = samples.flatMap((result, i) =>
    result.status === "fulfilled" ? [{ job: jobs[i], sample: result.value }] : [],
  );
  const asked = right.map(({ job, sample }) => ({ sample, options: optionsOf(job, signalOf(job)) }));
  const whys: PromiseSettledResult<Why<Kind>>[] = [];
  if (together && subject instanceof Classifier) whys.push(...(await subject.explainAll<Kind>(asked, { layer })));
  else
    for (const { sample, options } of asked)
      whys.push(...(await Promise.allSettled([explainBy<Kind>(subject, sample, { ...options, layer })])));

  const outcomes: Outcome[] = [];
  for (const [i, result] of samples.entries()) {
    const why = result.status === "fulfilled" ? whys.shift() : result;
    outcomes.push(await outcomeOf(why as PromiseSettledResult<Why<Kind>>, jobs[i], card, signalOf(jobs[i])));
  }
  return outcomes;
}

async function sampleOf(
  job: Job<"explain">,
  { card: { layers }, model: { subject }, dynamic }: Opened,
  { maxRender, ...limits }: Limits,
  signal: AbortSignal,
): Promise<Sample> {
  const { file, question } = job;
  const { layer, methods, options } = question;
  const names = layers.map(({ name }) => name);
  if (layer !== undefined && !names.includes(layer))
    throw new UserError("unknown-name", `unknown layer: "${layer}"; allowed are ${listing(names)}`);
  await checkServedOptions(methods as readonly MethodName[] | undefined, options);
  checkUpload(file);
  throwIfAborted(signal);
  const sample = await readSample(file, limits, explainedType(subject.explainer));
  throwIfAborted(signal);
  const { preparation } = subject.reading;
  if (dynamic && preparation && isPicture(sample)) checkInputSize(sample, preparation, limits.canvas);
  if (isPicture(sample))
    checkRendering(sample, mapsOf(job, subject instanceof Classifier ? 1 : mostBoxes), passesOf(job), maxRender);
  return sample;
}

function optionsOf({ question }: Job<"explain">, signal: AbortSignal) {
  const { classes, targets, methods, options, against, counterfactual, score, iou, maxDetections } = question;
  // The schema has seen to it that they are names.
  const method = methods as readonly MethodName[] | undefined;
  return { classes, targets, method, options, against, counterfactual, score, iou, maxDetections, signal };
}

async function outcomeOf(
  why: PromiseSettledResult<Why<Kind>>,
  job: Job<"explain">,
  card: ModelCard,
  signal: AbortSignal,
): Promise<Outcome> {
  if (why.status === "rejected") return { error: toWire(why.reason) };
  return render(why.value, job, card, signal).then(
    (reply) => ({ reply }),
    (error) => ({ error: toWire(error) }),
  );
}
