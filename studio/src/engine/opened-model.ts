/** @file The model that is open at the desk: how pictures are prepared for it, by a person's hand too, and its layers all at once. */
import { UserError } from "gradcam";
import { type Classifier, EveryLayer, type LoadedClassifier, type Preprocess } from "gradcam/web";
import type { Context } from "./answering.ts";
import type { Exported, ModelInfo } from "./contract.ts";
import { modelInfo, preparationOf } from "./model-info.ts";
import type { StartedRuntime } from "./runtime.ts";

export class OpenedModel {
  /** How a person has pictures prepared, over what the model says. */
  byHand: Preprocess | undefined;
  #everyLayer: Promise<EveryLayer> | undefined;

  constructor(
    readonly loaded: LoadedClassifier,
    private readonly runtime: StartedRuntime,
  ) {}

  get classifier(): Classifier {
    return this.loaded.classifier;
  }

  /** Whether it finds boxes. */
  get detects(): boolean {
    return this.loaded.reading.head !== undefined;
  }

  get preprocess(): Preprocess {
    return this.byHand ?? preparationOf(this.loaded);
  }

  info(): Promise<ModelInfo> {
    return modelInfo(this.loaded, this.byHand);
  }

  everyLayer({ onProgress }: Context): Promise<EveryLayer> {
    if (this.#everyLayer) return this.#everyLayer;
    onProgress({ done: Number.NaN, what: "Making every layer ready" });
    const opened = EveryLayer.open(this.runtime.ort, this.classifier.explainer);
    this.#everyLayer = opened;
    opened.catch(() => {
      this.#everyLayer = undefined;
    });
    return opened;
  }

  /** The detector that explains itself, as a file. */
  async compiledDetector(): Promise<Exported> {
    const { subject, reading } = this.loaded;
    if (!("compile" in subject)) throw new UserError("invalid-model", "invalid model: it is no detector");
    const { name, labels, preparation } = reading;
    const notes = { labels: JSON.stringify(labels.names), preprocess: JSON.stringify(preparation) };
    return { name: `${name}.gradcam.onnx`, type: "application/octet-stream", bytes: await subject.compile({ notes }) };
  }

  async release(): Promise<void> {
    await this.loaded.release();
    const every = await this.#everyLayer?.catch(() => undefined);
    await every?.release();
  }
}
