/** @file A whole evaluation: a dataset, a model, methods and metrics in; figures out, resumable at any moment. */
import { availableParallelism } from "node:os";
import path from "node:path";
import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { checkOpened } from "../explain/asked-memory.ts";
import type { PeakRule } from "../image/locate.ts";
import { methodName, methodsOf } from "../methods/by-name.ts";
import type { GivenOptions } from "../methods/method.ts";
import { optionsFor } from "../methods/options.ts";
import { prepareDirectory } from "../node/files.ts";
import type { LoadOptions } from "../node/load.ts";
import type { AlignName } from "../tasks/placing.ts";
import { isAddress } from "./address.ts";
import type { Mapping } from "./datasets/class-maps.ts";
import { ClassNames } from "./datasets/classes.ts";
import type { Dataset, Remark } from "./datasets/dataset.ts";
import { because, readDataset } from "./datasets/index.ts";
import { type Details, detailsOf } from "./details.ts";
import { checkBoxMetrics, withControl } from "./detections/findings.ts";
import { checkSignal, type ExamineAll } from "./examination.ts";
import { type Examinee, openExaminee } from "./examinee.ts";
import { metricNamed } from "./metrics/index.ts";
import type { Need } from "./metrics/metric.ts";
import { inPool } from "./pool.ts";
import type { Sample } from "./sample.ts";
import { isMade } from "./scenes.ts";
import { sourceAt } from "./source.ts";
import { Store } from "./store.ts";
import { type Summary, summarise } from "./summary.ts";

export interface EvaluateOptions {
  /** A directory, or an address (http, https; S3-compatible). */
  readonly dataset: string;
  /** The dataset's layout, by name; recognised by default. */
  readonly format?: string;
  readonly mapping?: Mapping;
  /** The model's file or directory, or an ONNX file's address; the bundled classifier by default. */
  readonly model?: string;
  readonly load?: LoadOptions;
  readonly methods: readonly string[];
  /** Options of the methods, by name; each belongs to those that have it. */
  readonly options?: GivenOptions;
  /** Bytes that a run may take, as for `explain`. */
  readonly maxMemory?: number;
  readonly metrics: readonly string[];
  /** The directory of the results, which an interrupted evaluation continues. */
  readonly out: string;
  /** Who examines the pictures; a process for each core by default. */
  readonly examineAll?: ExamineAll;
  /** How many pictures, drawn by the seed; all by default. */
  readonly sample?: number;
  readonly seed?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Told to the user meanwhile. */
  readonly onNotice?: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface Progress {
  /** Pictures finished, those of earlier runs included. */
  readonly done: number;
  readonly total: number;
  /** Finished before this run. */
  readonly before: number;
}

export interface Evaluation extends Summary, Details {
  readonly dataset: { readonly location: string; readonly pictures: number; readonly remarks: readonly Remark[] };
  readonly model: { readonly name: string; readonly sha256: string; readonly layer: string | undefined };
  readonly runtime: string;
  readonly methods: readonly string[];
  /** What the methods were told, where they were told anything. */
  readonly options?: GivenOptions;
  readonly metrics: readonly string[];
  readonly seed: number;
  /** What counted as a map's peak, and where its cells were placed. */
  readonly peak: PeakRule;
  readonly align: AlignName;
}

/** Figures, and the pictures behind them. */
export interface Evaluated {
  readonly evaluation: Evaluation;
  readonly samples: readonly Sample[];
}

/** @throws UserError for a dataset, model, method or metric that is wrong, and for results of another evaluation in `out`. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluated> {
  const { dataset: location, methods, metrics, out, seed = 0 } = options;
  metrics.forEach(metricNamed);
  optionsFor(await methodsOf(methods.map(methodName)), options.options);
  checkSignal(options.signal);
  const { model, layer, dataset, samples } = await prepare(options);
  const { name, labels, detector } = model;
  if (detector) checkBoxMetrics(metrics);
  const shown = detector ? withControl(methods) : methods;
  checkNeeds(metrics, samples, dataset);
  checkSignal(options.signal);

  await prepareDirectory(out);
  const { peak = "centre", align = "bilinear" } = options.load ?? {};
  const run = {
    ...{
      model: model.sha256,
      layer: layer ?? null,
      dataset: location,
      methods,
      metrics,
      seed,
      pictures: samples.length,
    },
    ...{ peak, align },
    ...(options.options && { options: options.options }),
  };
  const store = await Store.open(path.join(out, "results.sqlite"), run);
  try {
    const left = inOrderOfLength(samples.filter(({ id }) => !store.has(id)));
    const total = samples.length;
    const before = total - left.length;
    let done = before;
    const { examineAll = inPool(availableParallelism()), signal, onNotice = () => {} } = options;
    if (left.length)
      await examineAll(left, {
        work: {
          ...{ source: absolute(location), model: options.model && absolute(options.model), sha256: model.sha256 },
          ...{ load: workerOptions(options.load), methods, metrics, seed },
          ...(options.options && { options: options.options }),
          ...(options.maxMemory !== undefined && { maxMemory: options.maxMemory }),
        },
        ...{ signal, onNotice },
        onAnswer: (answer) => {
          if ("examined" in answer) store.record(answer.id, answer.examined);
          else store.recordFailure(answer);
          options.onProgress?.({ done: ++done, total, before });
        },
      });
    const evaluation: Evaluation = {
      dataset: { location, pictures: total, remarks: dataset.remarks },
      model: { name, sha256: model.sha256, layer },
      runtime: model.runtimeVersion,
      ...{ methods: shown, metrics, seed, peak, align },
      ...(options.options && { options: options.options }),
      ...summarise(store, shown, metrics, seed),
      ...detailsOf(store, shown, metrics, (index) => labels.name(index)),
    };
    return { evaluation, samples };
  } finally {
    store.close();
  }
}

/** What is to be examined: the dataset as the model understands it, and the pictures drawn. The model is closed again. */
export async function prepare({ dataset: location, seed = 0, ...options }: Omit<EvaluateOptions, "metrics" | "out">) {
  const model = await openExaminee(options.model, options.load);
  try {
    const names = new ClassNames(model.labels.names, options.mapping);
    const dataset = await readDataset(sourceAt(location), names, options.format);
    const samples = options.sample === undefined ? dataset.samples : draw(dataset.samples, options.sample, seed);
    const { layer = await defaultLayer(model, samples) } = options.load ?? {};
    if (options.maxMemory !== undefined && samples[0]) {
      const { explainer } = model.detector ?? (await model.classifierFor(samples[0]));
      await checkOpened(explainer, { method: options.methods.map(methodName), layer, maxMemory: options.maxMemory });
    }
    return { model, layer, dataset, samples };
  } finally {
    await model.release();
  }
}

/** A detector has one for each of its levels. */
async function defaultLayer(model: Examinee, [first]: readonly Sample[]): Promise<string | undefined> {
  if (model.detector || !first) return undefined;
  return (await model.classifierFor(first)).explainer.layers[0]?.name;
}

/** Questions of one length after those of another: a VQA model opens a graph for each length. */
function inOrderOfLength(samples: readonly Sample[]): Sample[] {
  const words = ({ question = "" }: Sample) => question.split(" ").length;
  return [...samples].sort((a, b) => words(a) - words(b));
}

/** The same place seen from another working directory. */
const absolute = (location: string) => (isAddress(location) || isMade(location) ? location : path.resolve(location));

/** Every worker has one core, and needs no names: samples have the classes' indices. */
const workerOptions = ({ labels: _, ...options }: LoadOptions = {}): LoadOptions => ({
  ...options,
  session: { ...options.session, intraOpNumThreads: 1, interOpNumThreads: 1 },
});

/** Pictures by the order of their names' hashes: the same ones whatever the order of the dataset. */
function draw(samples: readonly Sample[], count: number, seed: number): Sample[] {
  const keyed = samples.map((sample) => ({ sample, key: randomFor(seed, "sample", sample.id).uniform() }));
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ sample }) => sample)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const has: Readonly<Record<Need, (sample: Sample) => unknown>> = {
  label: ({ labels }) => labels !== undefined,
  boxes: ({ objects }) => objects.some(({ classes, box, shape }) => classes.length && (box || shape)),
  masks: ({ objects }) => objects.some(({ classes, shape }) => classes.length && shape),
  attention: ({ attention }) => attention !== undefined,
};

function checkNeeds(metrics: readonly string[], samples: readonly Sample[], dataset: Dataset): void {
  // A sample that fails may have had it.
  for (const { name, needs } of metrics.map(metricNamed))
    if (needs && !samples.some((sample) => sample.fault !== undefined || has[needs](sample)))
      throw new UserError(
        "invalid-option",
        `invalid metric for this dataset: ${name} needs ${needs}, and no image has any${because(dataset)}`,
      );
}
