/** @file Classification: a picture, a signal or a volume in, its best classes and where the evidence for them is out. */

import type { Dense } from "../../array/dense.ts";
import { openModel } from "../../autodiff/prepare.ts";
import { throwIfAborted, UserError } from "../../errors.ts";
import { Explainer, type OpenOptions } from "../../explain/explainer.ts";
import type { Forward } from "../../explain/forward.ts";
import type { Sessions } from "../../explain/sessions.ts";
import { bestClasses, byScore, classScores } from "../../explain/target.ts";
import type { Preprocess, Preprocessed } from "../../image/preprocess.ts";
import { methodsOf } from "../../methods/define.ts";
import { DataType } from "../../onnx/proto.ts";
import type { Feeds, Runtime, Tensor } from "../../onnx/runtime.ts";
import { repeatImage, toTensor } from "../../onnx/tensors.ts";
import { typeName } from "../../onnx/types.ts";
import { plainDims } from "../../read/axes.ts";
import type { Score } from "../../read/score.ts";
import {
  type ClassifyOptions,
  checkClassify,
  type Explanation,
  explanationsOf,
  type Prediction,
  probabilitiesOf,
} from "../answers.ts";
import { openOptions } from "../asking.ts";
import { type ClassQuery, Labels } from "../labels.ts";
import { type PicturePlace, type PictureSubject, seePicture } from "../pictures.ts";
import { Placements, type PlacingOptions } from "../placing.ts";
import { type ModelReading, readingOf } from "../reading.ts";
import type { Said } from "../said.ts";
import {
  batched,
  checkSample,
  type Feeding,
  fromPlainSample,
  type Kind,
  plainSample,
  type Sample,
  type Seen,
} from "../sample.ts";
import { hear, type SignalPlace, type SignalSubject } from "../signals.ts";
import { detects, type Task } from "../task.ts";
import { seeVolume, type VolumePlace, type VolumeSubject } from "../volumes.ts";
import { withWarnings } from "../warnings.ts";
import { Look } from "./look.ts";

export type { ClassifyOptions, Explanation, Prediction } from "../answers.ts";

/** How a classifier is opened from a file's bytes. */
export interface ClassifierOptions extends Said, OpenOptions, PlacingOptions {
  /** What every question feeds to the model's other inputs. */
  readonly inputs?: Feeds;
  /** The owner of its sessions, where several models share one; one of its own by default. */
  readonly sessions?: Sessions;
}

interface Subjects {
  readonly picture: PictureSubject;
  readonly signal: SignalSubject;
  readonly volume: VolumeSubject;
}

interface Places {
  readonly picture: PicturePlace;
  readonly signal: SignalPlace;
  readonly volume: VolumePlace;
}

/** A map, and where it lies on the sample. */
export type ClassExplanation<K extends Kind = "picture"> = Explanation & Places[K];

/** What a model made of a sample, and why. */
export type Why<K extends Kind = "picture"> = Subjects[K] & {
  readonly kind: K;
  /** The five best classes, and those asked for, best first. */
  readonly predictions: readonly Prediction[];
  readonly explanations: readonly ClassExplanation<K>[];
};

const sees: { readonly [K in Kind]: (sample: Sample, feeding: Feeding) => Seen<Subjects[K], Places[K]> } = {
  picture: seePicture,
  signal: hear,
  volume: seeVolume,
};

/** An open classifier. */
export class Classifier {
  readonly name: string;
  readonly labels: Labels;
  /** What it takes: pictures, signals or volumes. */
  readonly kind: Kind;
  readonly #feeding: Feeding;
  /** Where maps lie on the sample. */
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
    private readonly placing: PlacingOptions = {},
    /** What every question feeds. */
    private readonly given: Feeds = {},
  ) {
    const { tensors, model, score } = explainer;
    const { explained } = explainer.reading;
    const { kind, name, preparation, probability } = reading;
    if (!explained || !kind)
      throw new UserError(
        "invalid-model",
        `invalid model: none of its inputs is a picture [n, C, h, w], a signal [n, C, length] or a volume [n, C, d, h, w]; it takes ${model.inputs.map((input) => input.name).join(", ")} (use openExplainer with feeds)`,
      );
    const shape = tensors.get(score.name)?.dims ?? [];
    const dims = plainDims(shape, score.axes);
    if (detects(reading.task) || (dims.length === 3 && dims[2] !== 1))
      throw new UserError(
        "invalid-model",
        `invalid model: a classifier gives scores of shape [n, classes]; "${score.name}" has [${shape}], which looks like ${article(reading.task)}; its tensors can be explained by openExplainer with { seeds }, and gradcam layers lists where`,
      );
    this.name = name;
    this.kind = kind;
    const { axes } = explained;
    this.#feeding = {
      name: explained.name,
      dims: tensors.get(explained.name)?.dims ?? [],
      axes,
      preprocess: preparation,
    };
    this.places = new Placements(explainer, explained.name, axes.grid, placing);
    const valueName = score.axes.channels === undefined ? score.output : score.name;
    const unnamed = dims[1] === 1 && probability === "none" ? () => valueName : undefined;
    this.labels = new Labels(
      namesOf(reading.labels.names, dims[1]),
      dims[1] < 0 ? Number.MAX_SAFE_INTEGER : dims[1],
      unnamed,
    );
  }

  /**
   * @param bytes the ONNX file's: scores of shape [n, classes], one value [n], or [n, classes, ...grid], whose mean counts.
   * @throws UserError when the model is not such a classifier.
   */
  static async open(ort: Runtime, bytes: Uint8Array, options: ClassifierOptions): Promise<Classifier> {
    const { sessions } = options;
    const explainer = await Explainer.open(ort, await openModel(bytes), { ...openOptions(options), sessions });
    return new Classifier(ort, explainer, readingOf(explainer, options), options, options.inputs);
  }

  /** The same open model, which is fed this too in every question. */
  withInputs(inputs: Feeds): Classifier {
    return new Classifier(this.ort, this.explainer, this.reading, this.placing, { ...this.given, ...inputs });
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
    checkClassify(options);
    checkSample(sample);
    methodsOf(options.method);
    const seen = this.see<K>(sample);
    const { layer, inputs } = options;
    return this.#answer(seen, await this.explainer.forward(this.feeds(seen.input, inputs), { layer }), options);
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
        checkSample(sample);
        methodsOf(options.method);
        throwIfAborted(options.signal);
        const seen = this.see<K>(sample);
        return { seen, options, feeds: this.feeds(seen.input, options.inputs) };
      }),
    );
    const right = questions.filter((question) => question.status === "fulfilled").map(({ value }) => value);
    const forwards = await this.explainer.forwards(
      right.map(({ feeds }) => feeds),
      { layer },
    );
    const answers: PromiseSettledResult<Why<K>>[] = [];
    for (const question of questions) {
      const forward = question.status === "fulfilled" ? forwards.shift() : question;
      if (question.status === "rejected" || forward?.status !== "fulfilled")
        answers.push(forward as PromiseRejectedResult);
      else {
        const { seen, options } = question.value;
        answers.push(...(await Promise.allSettled([this.#answer(seen, forward.value as Forward, options)])));
      }
    }
    return answers;
  }

  async #answer<K extends Kind>(
    seen: Seen<Subjects[K], Places[K]>,
    forward: Forward,
    options: ClassifyOptions,
  ): Promise<Why<K>> {
    throwIfAborted(options.signal);
    const methods = methodsOf(options.method);
    const scores = classScores(forward.scores, 0);
    const { labels } = this;
    const best = (count: number) => bestClasses(scores, count);
    const find = (query: ClassQuery) => labels.find(query, scores.length, best);
    const classes = [...new Set((options.classes ?? ["top1"]).flatMap(find))];
    const against = options.against === undefined ? undefined : find(options.against)[0];
    const answers = await explanationsOf(forward, { ...options, classes, methods, against, labels });

    const probabilities = this.probabilities(scores);
    const predictions = [...new Set([...best(5), ...classes])]
      .sort(byScore(scores))
      .map((c) => ({ class: c, label: labels.name(c), score: scores[c], probability: probabilities[c] }));
    const placings = await Promise.all(answers.map(({ layer }) => this.places.of(layer)));
    const { prepared } = seen;
    const circumstances = { model: this.reading.warnings, prepared, layers: this.explainer.layers, probabilities };
    const explanations = withWarnings(answers, circumstances).map((answer, i) => {
      throwIfAborted(options.signal);
      const place = seen.place(answer.map, answer.blank !== undefined, placings[i]);
      return Object.defineProperties({ ...answer }, Object.getOwnPropertyDescriptors(place));
    });
    const why = { kind: this.kind, predictions, explanations };
    return Object.defineProperties(why, Object.getOwnPropertyDescriptors(seen.subject)) as unknown as Why<K>;
  }

  /** Shows the network a picture's input once, as it was prepared or with a part hidden; the result answers any number of questions. */
  async lookAt(seen: Preprocessed, options: { readonly layer?: string } = {}): Promise<Look> {
    const forward = await this.explainer.forward(this.feeds(seen), { layer: options.layer });
    return new Look(forward, seen, this.labels, this.reading, this.places);
  }

  /** The sample as an input; @throws UserError `invalid-input` for a sample of another kind or shape. */
  see<K extends Kind>(sample: Sample): Seen<Subjects[K], Places[K]> {
    return sees[this.kind as K](sample, this.#feeding);
  }

  /** What the model is fed: a fixed batch is filled with the one sample, and answers about the first of them. */
  feeds(input: Dense, others: Feeds = {}): Feeds {
    const { name, dims, axes } = this.#feeding;
    const { tensors } = this.explainer;
    const type = typeName(tensors.get(name)?.type ?? DataType.FLOAT);
    const one = { [name]: toTensor(this.ort, batched(input, axes), type) };
    const all: [string, Tensor][] = Object.entries({ ...one, ...this.given, ...others });
    const batch = axes.batch === 0 ? dims[0] : 1;
    if (batch <= 1) return Object.fromEntries(all);
    const full = ([key, tensor]: [string, Tensor]): [string, Tensor] => {
      const repeats = tensor.dims[0] === 1 && tensors.get(key)?.dims[0] === batch;
      return [key, repeats ? repeatImage(this.ort, tensor, 0, batch) : tensor];
    };
    return Object.fromEntries(all.map(full));
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

/** Of one score behind a sigmoid, two names are those of its absence and its presence. */
const namesOf = (names: readonly string[], classes: number): readonly string[] =>
  classes === 1 && names.length === 2 ? names.slice(1) : names;

const article = (task: Task): string =>
  task === "other" ? "no known task's" : `${/^[aeiou]/.test(task) ? "an" : "a"} ${task} model's`;
