/** @file A detector: a picture in; boxes, their classes, and where the evidence for each of them is out. */
import { dependents } from "../../autodiff/dependents.ts";
import { listing, present, UserError } from "../../errors.ts";
import { checkAsked } from "../../explain/asked-memory.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { namedLayer } from "../../explain/named-layer.ts";
import { picture as blank } from "../../image/picture.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { layersOf } from "../../read/layers.ts";
import type { ClassifierContext } from "../classify/classification.ts";
import type { Why } from "../classify/kinds.ts";
import type { ClassifyOptions } from "../classify/options.ts";
import { explainElements, type JoinedLevels } from "../element-answers.ts";
import { feedingOf, feedsOf } from "../feeding.ts";
import { Labels } from "../labels.ts";
import { questionsOf } from "../option-questions.ts";
import { percent } from "../percent.ts";
import { checkAsking } from "../picture-asking.ts";
import { type PicturePlace, type PictureSubject, preparePicture } from "../pictures.ts";
import { Placements } from "../placing.ts";
import type { ModelReading } from "../reading.ts";

import type { Feeding, Kind, PreparedSample, Sample } from "../sample.ts";

import { boxQuestions } from "./box-questions.ts";
import type { CompileDetectorOptions } from "./compile-detector.ts";
import { type Detection, type DetectOptions, Finder, type FoundBoxes, onOriginal, usual } from "./detections.ts";
import type { Head } from "./head.ts";
import { prototypeMasks } from "./prototype-masks.ts";
import { sizesOf } from "./sizes.ts";

/** What a picture shows to a detector. */
type LookOptions = Pick<ClassifyOptions, "inputs" | "signal" | "maxMemory" | "method" | "layer"> & DetectOptions;

export interface Look {
  readonly prepared: PreparedSample<PictureSubject, PicturePlace>;
  /** The run, and the boxes as it gave them. */
  readonly found: FoundBoxes;
  readonly detections: readonly Detection[];
}

export class Detector {
  readonly kind: Kind = "picture";
  readonly labels: Labels;
  readonly places: Placements;
  readonly #feeding: Feeding;
  readonly #finder: Finder;

  /** @throws UserError `invalid-model` for a model that takes no picture, or whose head is not known. */
  constructor(
    private readonly ort: Runtime,
    readonly explainer: Explainer,
    readonly reading: ModelReading,
    private readonly context: ClassifierContext = {},
  ) {
    const { explained } = explainer.reading;
    const head = reading.head;
    if (!explained || reading.kind !== "picture" || !head) throw unread(reading);
    this.#feeding = feedingOf(explainer, explained, reading);
    this.places = new Placements(explainer, { name: explained.name, axes: explained.axes.grid }, context);
    this.labels = new Labels(reading.labels.names, head.classes < 0 ? Number.MAX_SAFE_INTEGER : head.classes);
    this.#finder = new Finder(ort, explainer, head, reading.levels);
  }

  get head(): Head {
    return this.#finder.head;
  }

  /** The layer of each level that boxes come from. */
  get layers(): readonly string[] {
    return [...new Set(this.#finder.levels.flatMap(({ layer }) => layer ?? []))];
  }

  /**
   * Finds what is in a picture, and explains each box, or what is asked.
   * @throws UserError for a sample of another kind, an unknown box, class, method or layer.
   */
  async explain(sample: Sample, options: ClassifyOptions = {}): Promise<Why> {
    await checkAsking(sample, options);
    const { prepared, found, detections } = await this.look(sample, options);
    if (options.layer !== undefined && options.options?.layers === "levels")
      throw new UserError(
        "invalid-option",
        `invalid option layers: "levels" joins ${listing(this.layers)}; it does not go with a layer of one's own`,
      );
    const plan = options.layer === undefined ? undefined : await this.explainer.planFor(found.pass.feeds);
    const layer = plan && namedLayer(plan, options.layer as string, this.explainer.layers).name;
    const { prototypes } = this.head;
    const { geometry } = prepared.subject;
    const of = prototypes === undefined ? undefined : prototypeMasks(found, detections, prototypes, geometry);
    const asked = boxQuestions(questionsOf(options, ["detector", "box"]), {
      ...{ found, detections, labels: this.labels, can: this.reading.questions },
      ...(of && prototypes !== undefined && { masks: { of, prototypes } }),
      common: (tensors) => this.#commonLayer(tensors),
      ...(layer !== undefined && { layer }),
    });
    const explanations = await explainElements(found.pass, asked, options, {
      ...{ sample: prepared, places: this.places, reading: this.reading },
      ...(this.layers.length > 0 && { levels: this.#joined() }),
    });
    const remark = remarkOn(found, this.head, options);
    return {
      ...{ kind: "picture", predictions: [], detections, ...(of && { masks: of }) },
      explanations,
      ...prepared.subject,
      ...(remark && { remark }),
    };
  }

  /** Finds what is in a picture, and keeps the run: more can be asked of it. */
  async look(sample: Sample, options: LookOptions = {}): Promise<Look> {
    const prepared = preparePicture(sample, this.#feeding);
    const { geometry } = prepared.subject;
    const others = { ...this.context.inputs, ...options.inputs };
    const feeds = feedsOf(this.ort, this.explainer, this.#feeding, prepared.input, {
      ...sizesOf(this.ort, this.explainer, geometry.input, others),
      ...others,
    });
    await checkAsked(this.explainer, feeds, options);
    const found = await this.#finder.find(feeds, geometry.input, options, options.signal);
    const detections = found.candidates.map(
      ({ class: c, score, box }, index): Detection => ({
        ...{ index, class: c, label: this.labels.name(c), score },
        box: onOriginal(box, geometry),
      }),
    );
    return { prepared, found, detections };
  }

  /** The ONNX file of a detector that explains itself; @throws UserError for what cannot be compiled. */
  async compile(options: CompileDetectorOptions = {}): Promise<Uint8Array> {
    // Where only a run knows how many rows there are, a blank picture tells the levels.
    if (this.#finder.levels.length === 0) await this.explain(blank(64, 64));
    const { compileDetector } = await import("./compile-detector.ts");
    return compileDetector(this.explainer, this.head, this.#finder.levels, options);
  }

  release(): Promise<void> {
    return this.explainer.release();
  }

  #joined(): JoinedLevels {
    const { model, sized } = this.explainer;
    const { layers } = this;
    const behind = new Map(layers.map((layer) => [layer, dependents(model, sized, [layer])]));
    return { layers, reaches: (layer, { sum }) => sum.some(({ tensor }) => behind.get(layer)?.has(tensor)) };
  }

  /** The default layer of what is computed as several tensors: the end of what they have in common. */
  #commonLayer(tensors: readonly string[]): string | undefined {
    const { model, sized, reading } = this.explainer;
    const explained = present(reading.explained, "the picture");
    return layersOf(model, sized, explained, tensors)[0]?.name;
  }
}

function remarkOn(
  { best, candidates, broken }: Pick<FoundBoxes, "best" | "candidates" | "broken">,
  { scores }: Head,
  { score = usual.score }: ClassifyOptions,
): string | undefined {
  const { boxes, numbers } = broken;
  const parts = [
    boxes > 0 && `${boxes} ${boxes === 1 ? "box" : "boxes"} above the score have no finite place and were left out.`,
    numbers > 0 &&
      (numbers === 1 ? `1 value of "${scores}" is not a number.` : `${numbers} values of "${scores}" are not numbers.`),
    candidates.length === 0 &&
      (best === undefined
        ? "Nothing was found, and no score is a number."
        : `Nothing was found above a score of ${percent(score)}; the best is ${percent(best)}. --score lowers what counts.`),
  ];
  return parts.filter(Boolean).join(" ") || undefined;
}

const unread = ({ task, kind }: ModelReading): UserError =>
  new UserError(
    "invalid-model",
    kind === "picture"
      ? `invalid model: it looks like a ${task} model's, and its outputs are those of no known head; its tensors can be explained by openExplainer with { seeds }, and gradcam layers lists where`
      : `invalid model: a ${task} model takes a picture, and this one takes none`,
  );
