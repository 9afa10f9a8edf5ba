/**
 * @file Why a model says these words of a picture: the picture goes forward once, a sentence is told of it, and any number of questions
 * about the words are answered in one run.
 */

import type { Dense } from "../array/dense.ts";
import { throwIfAborted } from "../errors.ts";
import { type MethodChoice, methodOf } from "../methods/define.ts";
import { gradCamMap, gradCamSum } from "../methods/grad-cam.ts";
import { onGrid } from "../methods/layer-map.ts";
import { type Explanation, type LayerMap, type Question, shareDone } from "../methods/method.ts";
import type { Part } from "../onnx/compose.ts";
import { product, range } from "../onnx/dims.ts";
import type { Feeds, Runtime, SessionOptions } from "../onnx/runtime.ts";
import { toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain, toPlain } from "../read/axes.ts";
import type { TokenGrid } from "../read/layout.ts";
import { Link } from "./chain.ts";
import type { Notes } from "./compiled.ts";
import { Recent } from "./recent.ts";
import { askRows, type Teller, Telling } from "./telling.ts";
import { type WordScores, wordScores } from "./word-scores.ts";

export interface SentenceOptions {
  /** The tensor that maps lie on; by default the image encoder's last activation with a grid. */
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

/** Rows of weights on the words of a sentence: as many questions. */
export type WordWeights = readonly (readonly number[])[];

export interface ExplainWords {
  /** "grad-cam" by default. */
  readonly method?: MethodChoice;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Graphs for sentences of so many lengths are kept. */
const mostLengths = 8;

/** An open model that tells sentences of pictures. */
export class Sentences {
  readonly #tellings = new Recent<string, Telling>(mostLengths);
  readonly #links = new Map<Part, Link>();
  /** What explanations read of the parts before the last: known after the first, and then made in the same run as what the last part reads. */
  readonly usual = new Set<string>();

  /** @param tellerOf the model for sentences of so many words */
  constructor(
    readonly ort: Runtime,
    private readonly tellerOf: (words: number) => Teller,
    private readonly options: SentenceOptions = {},
  ) {}

  /** A picture before the model: `feeds` by their names in the whole, one picture. */
  see(feeds: Feeds): Sight {
    return new Sight(this, feeds, this.options.layer);
  }

  teller(words: number): Teller {
    return this.tellerOf(words);
  }

  link(part: Part, { connections }: Teller): Link {
    const known = this.#links.get(part);
    if (known) return known;
    const made = new Link(this.ort, part, connections, this.options.session);
    this.#links.set(part, made);
    return made;
  }

  telling(words: number, feeds: Feeds): Promise<Telling> {
    const key = `${words} ${Object.entries(feeds).map(([name, { dims }]) => `${name}=${dims}`)}`;
    return this.#tellings.get(key, () => Telling.open(this.ort, this.teller(words), feeds, this.options));
  }

  async release(): Promise<void> {
    await this.#tellings.release();
    for (const link of this.#links.values()) await link.release();
    this.#links.clear();
  }
}

/** One picture, and what is known of it so far. */
export class Sight {
  #known: Feeds;

  constructor(
    readonly sentences: Sentences,
    readonly feeds: Feeds,
    private readonly layer: string | undefined,
  ) {
    this.#known = { ...feeds };
  }

  /**
   * Tells a sentence: gives the model the words before each word, and scores the words.
   * @param before what the model reads at each place, the start first; as many as its teller has places
   * @param words the word that is scored at each place; fewer leave the last places out
   * @param first the place of the first word
   */
  async tell(before: readonly number[], words: readonly number[], first = 0): Promise<Told> {
    const { sentences } = this;
    const { teller, telling, fed } = await this.#prepared(before);
    const layer = telling.layer(this.layer);
    const { residuals } = await telling.atLayer(layer, gradCamSum);
    const wanted = [...residuals, layer, teller.scores];
    const known = { ...fed, ...(await this.known(teller, wanted)) };
    const last = teller.parts[teller.parts.length - 1];
    const told = { ...known, ...(await sentences.link(last, teller).run(known, wanted)) };
    const scores = toDense(told[teller.scores]);
    const offset = scores.dims[1] - before.length + first;
    return new Told(sentences.ort, sentences, telling, layer, told, wordScores(scores, words, offset), offset);
  }

  /** One file that tells sentences of so many places of pictures of this size, and explains every word: see {@link Telling.compiled}. */
  async compiled(places: number, notes: Notes): Promise<Uint8Array> {
    const { telling } = await this.#prepared(Array<number>(places).fill(0));
    return telling.compiled(telling.layer(this.layer), gradCamMap, notes);
  }

  async #prepared(before: readonly number[]): Promise<{ teller: Teller; telling: Telling; fed: Feeds }> {
    const teller = this.sentences.teller(before.length);
    // What the encoder gives may say how long a mask is; its sizes are those of any sentence.
    const seen = await this.known(teller, []);
    const fed = { ...this.feeds, ...teller.feed([before], seen) };
    return { teller, telling: await this.sentences.telling(before.length, fed), fed };
  }

  /** What the parts before the last make of the picture: what comes after them reads, and what is wanted. */
  async known({ parts, connections }: Teller, wanted: readonly string[]): Promise<Feeds> {
    const teller = { parts, connections } as Teller;
    for (const part of parts.slice(0, -1)) {
      const link = this.sentences.link(part, teller);
      const { usual } = this.sentences;
      for (const name of wanted) if (link.makes(name)) usual.add(name);
      const needed = [...Object.values(connections), ...usual].filter((name) => link.makes(name));
      if (needed.some((name) => !Object.hasOwn(this.#known, name)))
        this.#known = { ...this.#known, ...(await link.run(this.#known, needed)) };
    }
    return this.#known;
  }
}

/** A sentence told of a picture. */
export class Told {
  constructor(
    private readonly ort: Runtime,
    private readonly sentences: Sentences,
    private readonly telling: Telling,
    /** The tensor that maps lie on, by its name in the whole. */
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
  async explain(
    weights: WordWeights,
    { method = "grad-cam", onProgress, signal }: ExplainWords = {},
  ): Promise<Explanation> {
    const question: Question = {
      image: toPlain(toDense(this.known[this.telling.teller.image]), this.telling.axes),
      k: weights.length,
      grid: this.telling.gridOf(this.layer),
      atLayer: (map) => this.#atLayer(map, weights, signal),
      atInput: async (rules) => {
        const feeds = Object.fromEntries(this.telling.model.inputs.map(({ name }) => [name, this.known[name]]));
        const asking = await this.telling.atInput(rules);
        const rows = await askRows(this.ort, asking, feeds, this.scores.cotangent, this.#placed(weights), signal);
        return toPlain(rows, this.telling.axes);
      },
      respond: async (_, pictures) => {
        const answers = await this.#respond(pictures);
        return weights.map((row) =>
          Float32Array.from(answers, (words) => row.reduce((sum, w, t) => sum + w * words[t], 0)),
        );
      },
      progress: (done) => {
        throwIfAborted(signal);
        onProgress?.(shareDone(done));
      },
    };
    return methodOf(method).explain(question);
  }

  async #atLayer(map: LayerMap, weights: WordWeights, signal?: AbortSignal): Promise<Dense> {
    const { telling, layer, known } = this;
    const asking = await telling.atLayer(layer, map);
    const feeds: Feeds = Object.fromEntries(asking.residuals.map((name) => [name, known[name]]));
    if (asking.activations) feeds[asking.activations] = known[layer];
    const rows = await askRows(this.ort, asking, feeds, this.scores.cotangent, this.#placed(weights), signal);
    return onGrid(rows, telling.gridOf(layer));
  }

  #placed(weights: WordWeights): number[][] {
    return weights.map((row) => range(this.scores.cotangent.dims[1]).map((place) => row[place - this.offset] ?? 0));
  }

  /** The words' log-probabilities on other pictures, one after the other. */
  async #respond({ data, dims: [count, ...shape] }: Dense): Promise<Float32Array[]> {
    const { teller } = this.telling;
    const size = product(shape);
    const answers: Float32Array[] = [];
    for (const i of range(count)) {
      const picture = { data: data.slice(i * size, (i + 1) * size), dims: [1, ...shape] };
      const { type } = this.known[teller.image];
      const laidOut = fromPlain(picture, this.telling.axes);
      let known: Feeds = { ...this.known, [teller.image]: toTensor(this.ort, laidOut, type) };
      for (const part of teller.parts) {
        const link = this.sentences.link(part, teller);
        const needed = [...Object.values(teller.connections), teller.scores].filter((name) => link.makes(name));
        known = { ...known, ...(await link.run(known, needed)) };
      }
      answers.push(wordScores(toDense(known[teller.scores]), this.scores.words, this.offset).logProbabilities);
    }
    return answers;
  }
}
