/** @file The work on a dataset's pictures: what a worker is told, and a worker's own model, opened once. */
import type { Explainer } from "../explain/explainer.ts";
import { keepFor } from "../explain/sessions.ts";
import type { GivenOptions } from "../methods/method.ts";
import type { LoadOptions } from "../node/load.ts";
import { loadRuntime } from "../node/runtime.ts";
import type { Runtime } from "../onnx/runtime.ts";
import { examineBoxes } from "./detections/findings.ts";
import { type Examined, examine } from "./examine.ts";
import { type Examinee, openExaminee } from "./examinee.ts";
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
  readonly options?: GivenOptions;
  readonly maxMemory?: number;
  readonly metrics: readonly string[];
  readonly seed: number;
}

export class Examiner {
  /** For the explainer at hand: every length of a question has its own. */
  #randomised?: { readonly of: Explainer; readonly copies: Randomised };

  private constructor(
    private readonly work: Work,
    readonly model: Examinee,
    private readonly runtime: Runtime,
    private readonly source: Source,
  ) {}

  /** @throws UserError for a model that cannot be opened, or is another one than the work's. */
  static async open(work: Work): Promise<Examiner> {
    const model = await openExaminee(work.model, { ...work.load, keep: keepFor(work.methods) }, work.sha256);
    return new Examiner(work, model, await loadRuntime(), sourceAt(work.source));
  }

  async examine(sample: Sample): Promise<Examined> {
    const {
      methods,
      metrics,
      seed,
      load: { layer },
      ...told
    } = this.work;
    const { options, maxMemory } = told;
    const protocol = {
      ...{ methods, metrics: metrics.map(metricNamed), seed, told: { options, maxMemory } },
      ...(layer !== undefined && { layer }),
    };
    const { detector } = this.model;
    if (detector) return examineBoxes(await openSample(sample, this.source), detector, protocol);
    const classifier = await this.model.classifierFor(sample);
    const randomised = await this.#randomisedOf(classifier.explainer);
    return examine(await openSample(sample, this.source), classifier, randomised, protocol);
  }

  async close(): Promise<void> {
    await this.#randomised?.copies.release();
    await this.model.release();
  }

  async #randomisedOf(explainer: Explainer): Promise<Randomised> {
    if (this.#randomised?.of !== explainer) {
      await this.#randomised?.copies.release();
      const { session } = this.work.load;
      const copies = new Randomised(this.runtime, explainer, { session }, this.work.seed);
      this.#randomised = { of: explainer, copies };
    }
    return this.#randomised.copies;
  }
}
