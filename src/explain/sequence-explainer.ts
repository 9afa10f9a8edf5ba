/**
 * @file Why a model says these words of a picture: the picture goes forward once, a sentence is scored on it, and any number of questions
 * about the words are answered in one run.
 */
import type { Dense } from "../array/dense.ts";
import { present } from "../errors.ts";
import { methodOf } from "../methods/by-name.ts";
import { gradCam, gradCamSum } from "../methods/grad-cam.ts";
import type { Explanation, Method, Question } from "../methods/method.ts";
import { optionsOf } from "../methods/options.ts";
import type { Part } from "../onnx/compose.ts";
import { product, range } from "../onnx/dims.ts";
import type { Feeds, Runtime, SessionOptions, Tensor } from "../onnx/runtime.ts";
import { tensorOf, tensorsOf, toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain } from "../read/axes.ts";
import type { TokenGrid } from "../read/layout.ts";
import type { Notes } from "./compiled.ts";
import type { ExplainOptions } from "./explain-options.ts";
import { Lru } from "./lru.ts";
import { type Asking, questionOf, type Seeder } from "./question.ts";
import { planSequence, type SequenceModel, type SequencePlan, sequenceLayer } from "./sequence-plan.ts";
import { type SessionBound, Sessions } from "./sessions.ts";
import { Stage } from "./stage.ts";
import type { Weights } from "./target.ts";
import { type WordScores, wordScores } from "./word-scores.ts";

export interface SequenceOptions {
  /** The target layer; by default the image encoder's last activation with a grid. */
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
  readonly keep?: SessionBound;
}

/** Rows of weights on the words of a sentence: as many questions. */
export type WordWeights = readonly (readonly number[])[];

export type ExplainWords = Pick<ExplainOptions, "method" | "options" | "maxRows" | "onProgress" | "signal">;

/** Of sentences of so many lengths the graphs are kept. */
const mostLengths = 8;

/** Beside those of the parts, as many adjoints as there are lengths; they are small. */
const keep: SessionBound = { count: mostLengths + 4 };

/** An open model that scores the words of sentences about pictures. */
export class SequenceExplainer {
  readonly #plans = new Lru<string, SequencePlan>(mostLengths);
  readonly #stages = new Map<Part, Stage>();
  readonly #sessions: Sessions;
  /** What explanations read of the parts before the last: known after the first, and then made in the same run as what the last part reads. */
  readonly usual = new Set<string>();

  /** @param modelOf the model for sentences of so many words */
  constructor(
    readonly ort: Runtime,
    private readonly modelOf: (words: number) => SequenceModel,
    private readonly options: SequenceOptions = {},
  ) {
    this.#sessions = new Sessions({ ...keep, ...options.keep });
  }

  /** A picture before the model: `feeds` by their names in the whole, one picture. */
  see(feeds: Feeds): EncodedPicture {
    return new EncodedPicture(this, feeds, this.options.layer);
  }

  sequenceModel(words: number): SequenceModel {
    return this.modelOf(words);
  }

  stage(part: Part, { connections }: SequenceModel): Stage {
    const stage =
      this.#stages.get(part) ?? new Stage(this.ort, part, connections, this.#sessions, this.options.session);
    this.#stages.set(part, stage);
    return stage;
  }

  /** What parts make of the tensors known so far, one after the other: what comes after them reads, and what is wanted. */
  async through(
    parts: readonly Part[],
    sequence: SequenceModel,
    given: Feeds,
    wanted: Iterable<string>,
  ): Promise<Feeds> {
    let known = given;
    for (const part of parts) {
      const stage = this.stage(part, sequence);
      const needed = [...Object.values(sequence.connections), ...wanted].filter((name) => stage.makes(name));
      if (needed.some((name) => !Object.hasOwn(known, name))) known = { ...known, ...(await stage.run(known, needed)) };
    }
    return known;
  }

  plan(words: number, feeds: Feeds): Promise<SequencePlan> {
    const key = `${words} ${Object.entries(feeds).map(([name, { dims }]) => `${name}=${dims}`)}`;
    return this.#plans.get(key, () =>
      planSequence(this.ort, this.sequenceModel(words), feeds, this.#sessions, this.options),
    );
  }

  /** Closes its sessions, once nobody uses them. */
  release(): Promise<void> {
    return this.#sessions.release();
  }
}

/** One picture, and what is known of it so far. */
export class EncodedPicture {
  #known: Feeds;

  constructor(
    readonly explainer: SequenceExplainer,
    readonly feeds: Feeds,
    private readonly layer: string | undefined,
  ) {
    this.#known = { ...feeds };
  }

  /**
   * Scores a sentence: gives the model the words before each word, and scores the words.
   * @param before what the model reads at each place, the start first; as many as its model has places
   * @param words the word that is scored at each place; fewer leave the last places out
   * @param first the place of the first word
   */
  async score(before: readonly number[], words: readonly number[], first = 0): Promise<ScoredSequence> {
    const { explainer } = this;
    const { model, opened, fed } = await this.#prepared(before);
    const layer = sequenceLayer(opened, this.layer);
    const wanted = [...opened.plan.residuals(layer), layer, model.scores];
    const known = { ...fed, ...(await this.known(model, wanted)) };
    const all = await explainer.through(model.parts.slice(-1), model, known, wanted);
    const scores = toDense(tensorOf(all, model.scores));
    const offset = present(scores.dims[1], "the places") - before.length + first;
    return new ScoredSequence(explainer, opened, layer, all, wordScores(scores, words, offset), offset);
  }

  /** One file that scores sentences of so many places of pictures of this size, and explains every word: see {@link compileWords}. */
  async compiled(places: number, notes: Notes): Promise<Uint8Array> {
    const { opened } = await this.#prepared(Array<number>(places).fill(0));
    const { compileWords } = await import("./compile-words.ts");
    return compileWords(opened.plan, sequenceLayer(opened, this.layer), notes);
  }

  async #prepared(before: readonly number[]): Promise<{ model: SequenceModel; opened: SequencePlan; fed: Feeds }> {
    const model = this.explainer.sequenceModel(before.length);
    // What the encoder gives may say how long a mask is; its sizes are those of any sentence.
    const seen = await this.known(model, []);
    const fed = { ...this.feeds, ...model.feed([before], seen) };
    return { model, opened: await this.explainer.plan(before.length, fed), fed };
  }

  /** What the parts before the last make of the picture: what comes after them reads, and what is wanted. */
  async known(model: SequenceModel, wanted: readonly string[]): Promise<Feeds> {
    const { usual } = this.explainer;
    const parts = model.parts.slice(0, -1);
    for (const name of wanted) if (parts.some((part) => this.explainer.stage(part, model).makes(name))) usual.add(name);
    this.#known = await this.explainer.through(parts, model, this.#known, usual);
    return this.#known;
  }
}

/** A sentence about a picture, whose words the model has scored. */
export class ScoredSequence {
  constructor(
    private readonly explainer: SequenceExplainer,
    private readonly opened: SequencePlan,
    /** The target layer, by its name in the whole. */
    readonly layer: string,
    private readonly known: Feeds,
    private readonly scores: WordScores,
    /** Places among the scores before the first word's. */
    private readonly offset: number,
  ) {}

  /** What the whole was fed. */
  get feeds(): Feeds {
    return tensorsOf(
      this.known,
      this.opened.plan.model.inputs.map(({ name }) => name),
    );
  }

  /** Natural logarithms of the words' probabilities, each given the words before it. */
  get logProbabilities(): Float32Array {
    return this.scores.logProbabilities;
  }

  /** The sum of Grad-CAM in front of its rectifier for rows of weights, [k, ...grid]: linear in the weights, so that sums and differences may follow. */
  signedMaps(weights: WordWeights): Promise<Dense> {
    return this.#question(weights, {}, gradCam).atLayer(gradCamSum);
  }

  async explain(weights: WordWeights, options: ExplainWords = {}): Promise<Explanation> {
    const method = await methodOf(options.method ?? "grad-cam");
    return method.explain(this.#question(weights, options, method));
  }

  #question(weights: WordWeights, options: ExplainWords, method: Method): Question {
    const { layer, known, opened } = this;
    const { plan, explained } = opened;
    const words: Seeder = { seeding: plan.usual.seeding, feed: (rows) => this.#seeds(rows) };
    const asking: Asking = {
      pass: {
        ...{ plan, layer, n: 1, feeds: this.feeds, tensors: async () => known },
        respond: (_, pictures) => this.#respond(pictures),
      },
      explained,
      asked: { k: weights.length, rows: weights.map((row) => row.map((weight, t) => [t, weight] as const)) },
      ...{ atLayer: words, atInput: words, rows: true, options },
      // What a word's log-probability passes on depends on all scores of its place, and so on the picture.
      seedsAt: async (feeds) => {
        const scores = await this.#scored(feeds);
        return (rows) => this.#seeds(rows, scores);
      },
    };
    return questionOf(asking, optionsOf(method, options.options));
  }

  /** What the adjoint starts from: the gradients of all words, and rows of weights at their places. */
  #seeds(rows: readonly Weights[], { cotangent } = this.scores): Tensor[] {
    const places = present(cotangent.dims[1], "the places");
    const data = new Float32Array(rows.length * places);
    for (const [i, row] of rows.entries())
      for (const [word, weight] of row) data[i * places + word + this.offset] = weight;
    return [cotangent, { data, dims: [rows.length, places, 1] }].map((one) => toTensor(this.explainer.ort, one));
  }

  /** The words' log-probabilities on other pictures, one after the other. */
  async #respond({ data, dims: [count, ...shape] }: Dense): Promise<Float32Array[]> {
    const { explainer, feeds } = this;
    const { sequence, explained } = this.opened;
    const size = product(shape);
    const answers: Float32Array[] = [];
    for (const i of range(present(count, "a count"))) {
      const picture = { data: data.slice(i * size, (i + 1) * size), dims: [1, ...shape] };
      const { type } = tensorOf(feeds, sequence.image);
      const given = { ...feeds, [sequence.image]: toTensor(explainer.ort, fromPlain(picture, explained.axes), type) };
      answers.push((await this.#scored(given)).logProbabilities);
    }
    return answers;
  }

  /** The sentence scored on what the whole is fed. */
  async #scored(feeds: Feeds): Promise<WordScores> {
    const { sequence } = this.opened;
    const known = await this.explainer.through(sequence.parts, sequence, feeds, [sequence.scores]);
    return wordScores(toDense(tensorOf(known, sequence.scores)), this.scores.words, this.offset);
  }
}
