/** @file The work on a dataset's pictures: what a worker is told, and a worker's own model, opened once. */
import { type LoadedClassifier, type LoadOptions, load } from "../node/load.ts";
import { loadRuntime } from "../node/runtime.ts";
import { type Examined, examine } from "./examine.ts";
import { metricNamed } from "./metrics/index.ts";
import { Randomised } from "./randomise.ts";
import { openSample, type Sample } from "./sample.ts";
import { type Source, sourceAt } from "./source.ts";

/** All that a worker needs to know, as data. */
export interface Work {
  /** The dataset's place. */
  readonly source: string;
  /** The model's file or directory; the bundled classifier by default. */
  readonly model?: string;
  readonly load: LoadOptions;
  readonly methods: readonly string[];
  readonly metrics: readonly string[];
  readonly seed: number;
}

export class Examiner {
  private constructor(
    private readonly work: Work,
    readonly model: LoadedClassifier,
    private readonly randomised: Randomised,
    private readonly source: Source,
  ) {}

  static async open(work: Work): Promise<Examiner> {
    const model = await load(work.model, work.load);
    const { session } = work.load;
    const randomised = new Randomised(await loadRuntime(), model.classifier.explainer, { session }, work.seed);
    return new Examiner(work, model, randomised, sourceAt(work.source));
  }

  async examine(sample: Sample): Promise<Examined> {
    const {
      methods,
      metrics,
      seed,
      load: { layer },
    } = this.work;
    const protocol = { methods, metrics: metrics.map(metricNamed), seed, ...(layer !== undefined && { layer }) };
    return examine(await openSample(sample, this.source), this.model.classifier, this.randomised, protocol);
  }

  async close(): Promise<void> {
    await this.randomised.release();
    await this.model.release();
  }
}
