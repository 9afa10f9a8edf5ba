/** @file Classification: a picture, a signal or a volume in, its best classes and where the evidence for them is out. */
import { UserError } from "../errors.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import type { Forward } from "../explain/forward.ts";
import { bestClasses, byScore, classScores } from "../explain/target.ts";
import { repeatImage, toTensor } from "../explain/tensors.ts";
import type { Preprocess, Preprocessed } from "../image/preprocess.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense } from "../methods/method.ts";
import { DataType } from "../onnx/proto.ts";
import type { Feeds, Runtime, SessionOptions, Tensor } from "../onnx/runtime.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import type { TokenGrid } from "../read/layout.ts";
import type { Score } from "../read/score.ts";
import {
  type ClassifyOptions,
  type Explanation,
  explanationsOf,
  type Prediction,
  type Probability,
  probabilitiesOf,
} from "./answers.ts";
import { oneValue, withHead } from "./head.ts";
import { type ClassQuery, Labels } from "./labels.ts";
import { Look } from "./look.ts";
import { type PicturePlace, type PictureSubject, seePicture } from "./pictures.ts";
import { Placements, type PlacingOptions } from "./placing.ts";
import { type Feeding, type Kind, kindOf, type Sample, type Seen } from "./sample.ts";
import { hear, type SignalPlace, type SignalSubject } from "./signals.ts";
import { seeVolume, type VolumePlace, type VolumeSubject } from "./volumes.ts";

export type { ClassifyOptions, Explanation, Prediction } from "./answers.ts";

export interface ClassifierOptions extends PlacingOptions {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  /** Names of the classes, in order; empty where there are none. */
  readonly labels: readonly string[];
  /** How pictures are made inputs; a function is given the input's dims, batch first, -1 where free. */
  readonly preprocess: Preprocess | ((dims: readonly number[]) => Preprocess);
  /** How scores become probabilities; by default as the model's end and the number of its scores suggest. */
  readonly probability?: Probability;
  /** The output, [n], that the score was made of; a score without a label is called as it is. */
  readonly valueOutput?: string;
  /** What every question feeds to the model's other inputs; a function is given the open model. */
  readonly inputs?: Feeds | ((explainer: Explainer) => Promise<Feeds>);
  readonly output?: string;
  readonly layer?: string;
  /** Where layers hold tokens: their grid; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
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
  /** The output, [n], that the score was made of where it has no axis of classes. */
  readonly valueOutput: string | undefined;
  readonly #feeding: Feeding;
  readonly #probability: Probability;
  /** Where maps lie on the sample. */
  readonly places: Placements;

  /**
   * @param explainer the model beneath, for questions about tensors; its scores are [n, classes], or [n, classes, ...grid].
   * @throws UserError when the model is not such a classifier, and for labels that are too many.
   */
  constructor(
    private readonly ort: Runtime,
    readonly explainer: Explainer,
    private readonly options: ClassifierOptions,
    /** What every question feeds. */
    private readonly given: Feeds = {},
  ) {
    const { imageInput: name, tensors, model, score } = explainer;
    const dims = (name !== undefined && tensors.get(name)?.dims) || [];
    const kind = kindOf(dims);
    if (!name || !kind)
      throw new UserError(
        "invalid-model",
        `invalid model: none of its inputs is a picture [n, C, h, w], a signal [n, C, length] or a volume [n, C, d, h, w], of floats; it takes ${model.inputs.map((input) => input.name).join(", ")} (use openExplainer with feeds)`,
      );
    const preprocess =
      typeof options.preprocess === "function" ? options.preprocess : () => options.preprocess as Preprocess;
    this.name = options.name;
    this.kind = kind;
    this.#feeding = { name, dims, preprocess: kind === "picture" ? preprocess(dims) : undefined };
    const last = this.#feeding.preprocess?.layout === "NHWC";
    this.places = new Placements(
      explainer,
      name,
      dims.slice(2).map((_, i) => i + (last ? 1 : 2)),
      options,
    );
    const classes = tensors.get(score.name)?.dims[1] ?? -1;
    this.#probability = options.probability ?? usualProbability(score, classes, options.labels);
    this.valueOutput = options.valueOutput;
    const valueName = this.valueOutput ?? score.name;
    const unnamed = classes === 1 && this.#probability === "none" ? () => valueName : undefined;
    this.labels = new Labels(options.labels, classes < 0 ? Number.MAX_SAFE_INTEGER : classes, unnamed);
  }

  /**
   * @param bytes the ONNX file's: scores of shape [n, classes], one value [n], or [n, classes, ...grid], whose mean counts.
   * @throws UserError when the model is not such a classifier.
   */
  static async open(ort: Runtime, bytes: Uint8Array, options: ClassifierOptions): Promise<Classifier> {
    const explainer = await openExplainer(ort, bytes, options);
    const { model, tensors, score } = explainer;
    const dims = tensors.get(score.name)?.dims ?? [];
    if (dims.length < 2) {
      const output = "gradcam_value";
      const probability = options.probability ?? (score.before === "Sigmoid" ? "sigmoid" : undefined);
      const has = model.producer.has(output); // a compiled model has kept it
      const whole = has ? bytes : withHead(model, tensors, { of: score.name, head: oneValue, output });
      const named = { ...options, probability, valueOutput: options.output ?? firstFloat(explainer) };
      await explainer.release();
      const inFront = await openExplainer(ort, whole, { ...options, output });
      return new Classifier(ort, inFront, named, await inputsOf(inFront, options));
    }
    if (dims.length === 3)
      throw new UserError(
        "invalid-model",
        `invalid model: a classifier gives scores of shape [n, classes]; "${score.name}" has [${dims}]`,
      );
    return new Classifier(ort, explainer, options, await inputsOf(explainer, options));
  }

  /** The same open model, which is fed this too in every question. */
  withInputs(inputs: Feeds): Classifier {
    return new Classifier(this.ort, this.explainer, this.options, { ...this.given, ...inputs });
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
    methodsOf(options);
    const seen = this.see<K>(sample);
    return this.#answer(seen, await this.explainer.forward(this.feeds(seen.input, options.inputs), options), options);
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
        methodsOf(options);
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
    const methods = methodsOf(options);
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
    const explanations = answers.map((answer, i) => {
      const place = seen.place(answer.map, answer.blank !== undefined, placings[i]);
      return Object.defineProperties({ ...answer }, Object.getOwnPropertyDescriptors(place));
    });
    const why = { kind: this.kind, predictions, explanations };
    return Object.defineProperties(why, Object.getOwnPropertyDescriptors(seen.subject)) as unknown as Why<K>;
  }

  /** Shows the network a picture's input once, as it was prepared or with a part hidden; the result answers any number of questions. */
  async lookAt(seen: Preprocessed, options: { readonly layer?: string } = {}): Promise<Look> {
    const forward = await this.explainer.forward(this.feeds(seen), options);
    return new Look(forward, seen, this.labels, this.#probability, this.places);
  }

  /** The sample as an input; @throws UserError `invalid-input` for a sample of another kind or shape. */
  see<K extends Kind>(sample: Sample): Seen<Subjects[K], Places[K]> {
    return sees[this.kind as K](sample, this.#feeding);
  }

  /** What the model is fed: a fixed batch is filled with the one sample, and answers about the first of them. */
  feeds(input: Dense, others: Feeds = {}): Feeds {
    const { name, dims } = this.#feeding;
    const { tensors } = this.explainer;
    const type = typeName(tensors.get(name)?.type ?? DataType.FLOAT);
    const one = { [name]: toTensor(this.ort, { data: input.data, dims: [1, ...input.dims] }, type) };
    const all: [string, Tensor][] = Object.entries({ ...one, ...this.given, ...others });
    if (dims[0] <= 1) return Object.fromEntries(all);
    const full = ([key, tensor]: [string, Tensor]): [string, Tensor] => {
      const repeats = tensor.dims[0] === 1 && tensors.get(key)?.dims[0] === dims[0];
      return [key, repeats ? repeatImage(this.ort, tensor, 0, dims[0]) : tensor];
    };
    return Object.fromEntries(all.map(full));
  }

  /** Probabilities of scores; null where the model gives a value that is none. */
  probabilities(scores: Float32Array): (number | null)[] {
    return probabilitiesOf(scores, this.#probability);
  }

  release(): Promise<void> {
    return this.explainer.release();
  }
}

/** @throws UserError `unknown-name` */
const methodsOf = ({ method = "grad-cam" }: ClassifyOptions): string[] =>
  [method].flat().map((name) => methodNamed(name).name);

/** The output that a model without scores of classes is explained by. */
const firstFloat = ({ model, tensors, score }: Explainer): string =>
  model.outputs.find((name) => isFloat(tensors.get(name)?.type ?? DataType.UNDEFINED)) ?? score.name;

/** The inputs that options give. */
export const inputsOf = async (explainer: Explainer, { inputs }: Pick<ClassifierOptions, "inputs">): Promise<Feeds> =>
  typeof inputs === "function" ? inputs(explainer) : (inputs ?? {});

/** One score that has no name is a value; with a name, or behind a sigmoid, a probability. */
function usualProbability({ before }: Score, classes: number, labels: readonly string[]): Probability {
  if (before === "Sigmoid") return "sigmoid";
  return classes !== 1 ? "softmax" : labels.length ? "sigmoid" : "none";
}
