/** @file A segmenter: a picture in; the masks of its classes or objects, and where the evidence for each of them is out. */
import { present } from "../../errors.ts";
import { checkAsked } from "../../explain/asked-memory.ts";
import { ElementPass } from "../../explain/elements.ts";
import type { Explainer } from "../../explain/explainer.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { Trace } from "../../read/trace.ts";
import { Classifier, type ClassifierContext } from "../classify/classification.ts";
import { namesOf } from "../classify/fitness.ts";
import type { Why } from "../classify/kinds.ts";
import type { ClassifyOptions } from "../classify/options.ts";
import { usual } from "../detect/detections.ts";
import { explainElements } from "../element-answers.ts";
import { feedingOf, feedsOf } from "../feeding.ts";
import { Labels } from "../labels.ts";
import { questionsOf } from "../option-questions.ts";
import { checkAsking, targetLayer } from "../picture-asking.ts";
import { preparePicture } from "../pictures.ts";
import { Placements } from "../placing.ts";
import type { ModelReading } from "../reading.ts";

import type { Feeding, Kind, Sample } from "../sample.ts";

import type { MaskHead } from "./mask-head.ts";
import { maskQuestions } from "./mask-questions.ts";
import { bestScore, masksIn } from "./masks.ts";
import { Planes } from "./planes.ts";
import { remarkOn } from "./remark.ts";

export class Segmenter {
  readonly kind: Kind = "picture";
  readonly labels: Labels;
  readonly places: Placements;
  readonly head: MaskHead;
  readonly #feeding: Feeding;
  readonly #trace: Trace;
  #classifier: Classifier | undefined;

  /** @throws UserError `invalid-model` for labels that are too many. */
  constructor(
    private readonly ort: Runtime,
    readonly explainer: Explainer,
    readonly reading: ModelReading,
    private readonly context: ClassifierContext = {},
  ) {
    const explained = present(explainer.reading.explained, "the picture");
    this.head = present(reading.masks, "the masks");
    this.#feeding = feedingOf(explainer, explained, reading);
    this.places = new Placements(explainer, { name: explained.name, axes: explained.axes.grid }, context);
    const { classes } = this.head;
    const most = classes < 0 ? Number.MAX_SAFE_INTEGER : classes;
    const unnamed = classes === 1 ? () => "foreground" : undefined;
    this.labels = new Labels(namesOf(reading.labels.names, classes), most, unnamed);
    this.#trace = new Trace(explainer.model, explainer.sized);
  }

  /**
   * The same model as a classifier of whole pictures, whose scores are each class's mean over the places.
   * @throws UserError `invalid-model` for one that has no such scores.
   */
  get classifier(): Classifier {
    const { ort, explainer, reading, context } = this;
    this.#classifier ??= new Classifier(ort, explainer, reading, context);
    return this.#classifier;
  }

  /**
   * Finds the masks in a picture, and explains those that cover more than 1 % of it, or what is asked.
   * @throws UserError for a sample of another kind, an unknown class, mask, pixel, region, method or layer, and for logits that are not finite.
   */
  async explain(sample: Sample, options: ClassifyOptions = {}): Promise<Why> {
    await checkAsking(sample, options);
    const { explainer, head, labels, context } = this;
    const targets = questionsOf(options, ["segmenter", "mask"]);
    const prepared = preparePicture(sample, this.#feeding);
    const { geometry } = prepared.subject;
    const feeds = feedsOf(this.ort, explainer, this.#feeding, prepared.input, { ...context.inputs, ...options.inputs });
    const layer = await targetLayer(explainer, this.reading, feeds, options.layer);
    await checkAsked(explainer, feeds, { ...options, layer });
    const read = [head.tensor, ...(head.kind === "queries" ? [head.scores] : [])];
    const pass = await ElementPass.run(this.ort, explainer, feeds, {
      wanted: [...read, ...this.#trace.needs(head.tensor)],
      prospects: [{ tensors: this.#trace.roots({ tensor: head.tensor, index: this.#origin }), layer }],
    });
    const planes = new Planes(pass, this.#trace, head);
    const { score = usual.score } = options;
    const masks = masksIn(planes, head, pass, { labels, geometry, least: score });
    const { regions = {} } = options;
    const can = this.reading.questions;
    const asked = maskQuestions(targets, { planes, masks, labels, geometry, regions, layer, can });
    const explanations = await explainElements(pass, asked, options, {
      ...{ sample: prepared, places: this.places, reading: this.reading },
    });
    const best = head.kind === "queries" ? bestScore(head, pass) : undefined;
    const remark = targets.length ? undefined : remarkOn(masks, asked.length, { best, least: score });
    return {
      ...{ kind: "picture", predictions: [], masks, explanations },
      ...prepared.subject,
      ...(remark && { remark }),
    };
  }

  release(): Promise<void> {
    return this.explainer.release();
  }

  /** An element of what the planes are read of. */
  get #origin(): number[] {
    return (this.explainer.sized.get(this.head.tensor)?.dims ?? []).map(() => 0);
  }
}
