/** @file Classification: a picture, a signal or a volume in, its best classes and where the evidence for them is out. */

import type { Dense } from "../../array/dense.ts";
import { openModel } from "../../autodiff/prepare.ts";
import { present, throwIfAborted, UserError } from "../../errors.ts";
import { checkAsked } from "../../explain/asked-memory.ts";
import { Explainer, type OpenOptions } from "../../explain/explainer.ts";
import type { Sessions } from "../../explain/sessions.ts";
import type { Preprocess, Preprocessed } from "../../image/preprocess.ts";
import { methodsOf } from "../../methods/by-name.ts";
import { optionsFor } from "../../methods/options.ts";
import type { Feeds, Runtime } from "../../onnx/runtime.ts";
import type { Score } from "../../read/score.ts";
import { openOptions } from "../asking.ts";
import { type Familiarity, unfamiliar } from "../familiarity.ts";
import { feedingOf, feedsOf } from "../feeding.ts";
import { Labels } from "../labels.ts";
import { orRelease } from "../opened.ts";
import { onPicture } from "../pictures.ts";
import { Placements, type PlacingOptions } from "../placing.ts";
import { type ModelReading, readingOf } from "../reading.ts";
import type { Said } from "../said.ts";
import {
  checkSample,
  type Feeding,
  fromPlainSample,
  isPicture,
  type Kind,
  plainSample,
  type Sample,
} from "../sample.ts";
import { ClassifiedSample, type ClassifierReading } from "./classified-sample.ts";
import { classesOf, inputOf, namesOf } from "./fitness.ts";
import { type Prepared, prepare, type Why } from "./kinds.ts";
import { type ClassifyOptions, checkClassify, refuseDetectOptions } from "./options.ts";
import { probabilitiesOf } from "./probability.ts";

export type { Prediction } from "./explanations.ts";
export type { ClassExplanation, Why } from "./kinds.ts";
export type { ClassifyOptions } from "./options.ts";

/** What a classifier is beside an open model that was read. */
export interface ClassifierContext extends PlacingOptions {
  /** What every question feeds to the model's other inputs. */
  readonly inputs?: Feeds;
  /** What the model's pictures look like. */
  readonly familiar?: Familiarity;
  /** The owner of its sessions, where several models share one; one of its own by default. */
  readonly sessions?: Sessions;
}

/** How a classifier is opened from a file's bytes. */
export interface ClassifierOptions extends Said, OpenOptions, ClassifierContext {}

/** An open classifier. */
export class Classifier implements ClassifierReading {
  readonly name: string;
  readonly labels: Labels;
  /** What it takes: pictures, signals or volumes. */
  readonly kind: Kind;
  readonly #feeding: Feeding;
  readonly places: Placements;

  /**
   * @param explainer the model beneath, for questions about tensors
   * @param reading how it was read
   * @throws UserError when the model is not such a classifier, and for labels that are too many.
   */
  constructor(
    private readonly ort: Runtime,
    readonly explainer: Explainer,
    readonly reading: ModelReading,
    private readonly context: ClassifierContext = {},
  ) {
    const { score } = explainer;
    const { name, kind, explained } = inputOf(explainer, reading);
    const classes = classesOf(explainer, reading.task);
    this.name = name;
    this.kind = kind;
    const { axes } = explained;
    this.#feeding = feedingOf(explainer, explained, reading);
    this.places = new Placements(explainer, { name: explained.name, axes: axes.grid }, context);
    const valueName = score.axes.channels === undefined ? score.output : score.name;
    const unnamed = classes === 1 && reading.probability === "none" ? () => valueName : undefined;
    const most = classes < 0 ? Number.MAX_SAFE_INTEGER : classes;
    this.labels = new Labels(namesOf(reading.labels.names, classes), most, unnamed);
  }

  /**
   * @param bytes the ONNX file's: scores of shape [n, classes], one value [n], or [n, classes, ...grid], whose mean counts.
   * @throws UserError when the model is not such a classifier.
   */
  static async open(ort: Runtime, bytes: Uint8Array, options: ClassifierOptions): Promise<Classifier> {
    const { sessions } = options;
    const explainer = await Explainer.open(ort, await openModel(bytes), { ...openOptions(options), sessions });
    const made = () => new Classifier(ort, explainer, readingOf(explainer, options), options);
    return sessions ? made() : orRelease(explainer, made); // those of others are theirs to close
  }

  /** The same open model, which is fed this too in every question. */
  withInputs(more: Feeds): Classifier {
    const { ort, explainer, reading, context } = this;
    return new Classifier(ort, explainer, reading, { ...context, inputs: { ...context.inputs, ...more } });
  }

  /** What is explained: the scores before any softmax. */
  get score(): Score {
    return this.explainer.score;
  }

  /** How pictures are prepared; @throws UserError `invalid-model` where the model takes none. */
  get preprocess(): Preprocess {
    const { name, dims, preprocess } = this.#feeding;
    if (preprocess) return preprocess;
    throw new UserError("invalid-model", `invalid model: it takes no pictures; "${name}" has shape [${dims}]`);
  }

  /**
   * Classifies a sample and explains classes. A sample is a picture, a signal, or an array of the input's shape.
   * @throws UserError for a sample of another kind, an unknown class, method or layer, and for scores that are not finite.
   */
  async explain<K extends Kind = "picture">(sample: Sample, options: ClassifyOptions = {}): Promise<Why<K>> {
    const [why] = await this.explainAll<K>([{ sample, options }], { layer: options?.layer });
    return settled(present(why, "an answer"));
  }

  /**
   * Explains samples of one kind, each with its own question, at one layer: by one run of the model where it keeps them apart.
   * @returns in their order; a sample that cannot be explained, or whose question is wrong, is rejected on its own.
   */
  async explainAll<K extends Kind = "picture">(
    asked: readonly { readonly sample: Sample; readonly options?: Omit<ClassifyOptions, "layer"> }[],
    { layer }: { readonly layer?: string } = {},
  ): Promise<PromiseSettledResult<Why<K>>[]> {
    const questions = await Promise.allSettled(
      asked.map(async ({ sample, options = {} }) => {
        checkClassify(options);
        refuseDetectOptions(options, this.reading.task);
        checkSample(sample);
        optionsFor(await methodsOf(options.method), options.options);
        throwIfAborted(options.signal);
        const prepared = this.prepare<K>(sample);
        const feeds = this.feeds(prepared.input, options.inputs);
        await checkAsked(this.explainer, feeds, { ...options, layer });
        return { sample, options, prepared, feeds };
      }),
    );
    const right = questions.flatMap((question) => (question.status === "fulfilled" ? [question.value.feeds] : []));
    const forwards = await this.explainer.forwards(right, { layer });
    const answer = async (question: (typeof questions)[number]): Promise<Why<K>> => {
      const { sample, prepared, options } = settled(question);
      const forward = settled(present(forwards.shift(), "a forward pass"));
      const warnings = isPicture(sample) ? unfamiliar(sample, this.context.familiar) : [];
      const classified = new ClassifiedSample<K>(this, prepared, forward, warnings);
      const explanations = await classified.explain(options);
      const predictions = classified.predictions(explanations.map((one) => one.class));
      return { kind: this.kind as K, predictions, explanations, ...prepared.subject };
    };
    const answers: PromiseSettledResult<Why<K>>[] = [];
    for (const question of questions) answers.push(...(await Promise.allSettled([answer(question)])));
    return answers;
  }

  /** Shows the network a picture's input once, as it was prepared or with a part hidden; the result answers any number of questions. */
  async classify(picture: Preprocessed, { layer }: { readonly layer?: string } = {}): Promise<ClassifiedSample> {
    const forward = await this.explainer.forward(this.feeds(picture), { layer });
    return new ClassifiedSample(this, { prepared: true, lay: onPicture(picture.geometry) }, forward);
  }

  /** The sample as an input; @throws UserError `invalid-input` for a sample of another kind or shape. */
  prepare<K extends Kind>(sample: Sample): Prepared<K> {
    return prepare[this.kind as K](sample, this.#feeding);
  }

  /** What the model is fed: a fixed batch is filled with the one sample, and answers about the first of them. */
  feeds(input: Dense, others: Feeds = {}): Feeds {
    return feedsOf(this.ort, this.explainer, this.#feeding, input, { ...this.context.inputs, ...others });
  }

  /** An input as [C, ...grid], whatever the model's layout. */
  plain(input: Dense): Dense {
    return plainSample(input, this.#feeding.axes);
  }

  /** [C, ...grid] as an input of the model. */
  laidOut(plain: Dense): Dense {
    return fromPlainSample(plain, this.#feeding.axes);
  }

  /** Probabilities of scores; null where the model gives a value that is none. */
  probabilities(scores: Float32Array): (number | null)[] {
    return probabilitiesOf(scores, this.reading.probability);
  }

  release(): Promise<void> {
    return this.explainer.release();
  }
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
