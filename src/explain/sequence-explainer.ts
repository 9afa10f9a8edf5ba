/**
 * @file Why a model says these words of a picture: the picture goes forward once, a sentence is scored on it, and any number of questions
 * about the words are answered in one run.
 */
import type { Dense } from "../array/dense.ts";
import { present } from "../errors.ts";
import { methodOf } from "../methods/define.ts";
import { gradCamSum } from "../methods/grad-cam.ts";
import type { Explanation, LayerMap } from "../methods/method.ts";
import type { Part } from "../onnx/compose.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import type { Feeds, Runtime, SessionOptions } from "../onnx/runtime.ts";
import { tensorOf, tensorsOf, toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain, toPlain } from "../read/axes.ts";
import type { TokenGrid } from "../read/layout.ts";
import { type AdjointSession, ask } from "./adjoint-session.ts";
import type { Notes } from "./compiled.ts";
import type { ExplainOptions } from "./forward.ts";
import { Lru } from "./lru.ts";
import { inRuns, progressTo } from "./rows.ts";
import { planSequence, type SequenceModel, type SequencePlan, sequenceLayer } from "./sequence-plan.ts";
import { type SessionBound, Sessions } from "./sessions.ts";
import { Stage } from "./stage.ts";
import { type WordScores, wordScores } from "./word-scores.ts";

export interface SequenceOptions {
  /** The target layer; by default the image encoder's last activation with a grid. */
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
  /** How many sessions stay open. */
  readonly keep?: SessionBound;
}

/** Rows of weights on the words of a sentence: as many questions. */
export type WordWeights = readonly (readonly number[])[];

export type ExplainWords = Pick<ExplainOptions, "method" | "maxRows" | "onProgress" | "signal">;

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
    const last = present(model.parts.at(-1), "the last part");
    const all = { ...known, ...(await explainer.stage(last, model).run(known, wanted)) };
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
    for (const part of model.parts.slice(0, -1)) {
      const stage = this.explainer.stage(part, model);
      const { usual } = this.explainer;
      for (const name of wanted) if (stage.makes(name)) usual.add(name);
      const needed = [...Object.values(model.connections), ...usual].filter((name) => stage.makes(name));
      if (needed.some((name) => !Object.hasOwn(this.#known, name)))
        this.#known = { ...this.#known, ...(await stage.run(this.#known, needed)) };
    }
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

  /** Natural logarithms of the words' probabilities, each given the words before it. */
  get logProbabilities(): Float32Array {
    return this.scores.logProbabilities;
  }

  /** The sum of Grad-CAM in front of its rectifier for rows of weights, [k, ...grid]: linear in the weights, so that sums and differences may follow. */
  signedMaps(weights: WordWeights): Promise<Dense> {
    return this.#atLayer(gradCamSum, weights);
  }

  /** Any method's explanation of rows of weights. */
  async explain(weights: WordWeights, options: ExplainWords = {}): Promise<Explanation> {
    const { plan, explained } = this.opened;
    const { name: image, axes } = explained;
    const { grid } = plan.layoutOf(this.layer);
    return methodOf(options.method ?? "grad-cam").explain({
      image: toPlain(toDense(tensorOf(this.known, image)), axes),
      k: weights.length,
      grid: isStatic(grid) ? grid : undefined,
      atLayer: (map) => this.#atLayer(map, weights, options),
      atInput: async (rules) => {
        const inputs = plan.model.inputs.map(({ name }) => name);
        const feeds = tensorsOf(this.known, inputs);
        const rows = plan.atInput(image, rules, plan.usual, (adjoint) =>
          this.#rows(adjoint, image, feeds, weights, options),
        );
        return toPlain(await rows, axes);
      },
      respond: async (_, pictures) => {
        const answers = await this.#respond(pictures);
        return weights.map((row) =>
          Float32Array.from(answers, (words) => row.reduce((sum, w, t) => sum + w * present(words[t], "a score"), 0)),
        );
      },
      progress: progressTo(options),
    });
  }

  #atLayer(map: LayerMap, weights: WordWeights, options: ExplainWords = {}): Promise<Dense> {
    const { layer, known, opened } = this;
    return opened.plan.atLayer(layer, map, opened.plan.usual, (adjoint) =>
      this.#rows(adjoint, layer, tensorsOf(known, adjoint.residuals), weights, options),
    );
  }

  /** Answers rows of weights at a tensor, [k, ...]: in as few runs as can be. */
  #rows(
    adjoint: AdjointSession,
    tensor: string,
    feeds: Feeds,
    weights: WordWeights,
    { maxRows, signal }: ExplainWords,
  ): Promise<Dense> {
    const { cotangent } = this.scores;
    const { plan } = this.opened;
    const places = range(present(cotangent.dims[1], "the places"));
    const rows = weights.map((row) => places.map((place) => row[place - this.offset] ?? 0));
    const together = plan.isFree && adjoint.together;
    const runs = { n: 1, k: rows.length, together, rowBytes: plan.rowBytes(tensor), maxRows, signal };
    return inRuns(runs, async (isAsked) => {
      const some = rows.filter((_, row) => isAsked(row));
      const data = { data: Float32Array.from(some.flat()), dims: [some.length, places.length, 1] };
      const given = [cotangent, data].map((one) => toTensor(plan.ort, one));
      return (await ask(adjoint, feeds, given)).answer;
    });
  }

  /** The words' log-probabilities on other pictures, one after the other. */
  async #respond({ data, dims: [count, ...shape] }: Dense): Promise<Float32Array[]> {
    const { sequence, explained } = this.opened;
    const { ort } = this.explainer;
    const size = product(shape);
    const answers: Float32Array[] = [];
    for (const i of range(present(count, "a count"))) {
      const picture = { data: data.slice(i * size, (i + 1) * size), dims: [1, ...shape] };
      const { type } = tensorOf(this.known, sequence.image);
      let known: Feeds = { ...this.known, [sequence.image]: toTensor(ort, fromPlain(picture, explained.axes), type) };
      for (const part of sequence.parts) {
        const stage = this.explainer.stage(part, sequence);
        const needed = [...Object.values(sequence.connections), sequence.scores].filter((name) => stage.makes(name));
        known = { ...known, ...(await stage.run(known, needed)) };
      }
      const scores = toDense(tensorOf(known, sequence.scores));
      answers.push(wordScores(scores, this.scores.words, this.offset).logProbabilities);
    }
    return answers;
  }
}
