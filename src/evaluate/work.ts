/** @file The work on a dataset's pictures: what a worker is told, and a worker's own model, opened once. */
import { UserError } from "../errors.ts";
import { type LoadedClassifier, type LoadOptions, load } from "../node/load.ts";
import { loadRuntime } from "../node/runtime.ts";
import { localModel } from "./address.ts";
import { type Examined, examine } from "./examine.ts";
import { metricNamed } from "./metrics/index.ts";
import { Randomised } from "./randomise.ts";
import { openSample, type Sample } from "./sample.ts";
import { type Source, sourceAt } from "./source.ts";

/** All that a worker needs to know, as data. */
export interface Work {
  /** The dataset's place. */
  readonly source: string;
  /** The model's file, directory or address; the bundled classifier by default. */
  readonly model?: string;
  /** SHA-256 of the model's file: all workers compute with the same one. */
  readonly sha256: string;
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

  /** @throws UserError for a model that cannot be opened, or is another one than the work's. */
  static async open(work: Work): Promise<Examiner> {
    const model = await load(await localModel(work.model, work.sha256), work.load);
    if (model.sha256 !== work.sha256)
      throw new UserError(
        "invalid-model",
        `invalid model: ${model.file} has SHA-256 ${model.sha256}, the evaluation's has ${work.sha256}`,
      );
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
