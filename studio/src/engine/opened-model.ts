/** @file The model that is open at the desk: how pictures are prepared for it, by a person's hand too, and its layers all at once. */
import { type Classifier, EveryLayer, type LoadedClassifier, type Preprocess } from "gradcam/web";
import type { Context } from "./answering.ts";
import type { ModelInfo } from "./contract.ts";
import { modelInfo } from "./model-info.ts";
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

  get preprocess(): Preprocess {
    return this.byHand ?? this.classifier.preprocess;
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

  async release(): Promise<void> {
    await this.loaded.release();
    const every = await this.#everyLayer?.catch(() => undefined);
    await every?.release();
  }
}
