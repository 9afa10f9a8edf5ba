/**
 * @file The way back from the words of a sentence to the picture: graphs and sessions for sentences of one length.
 *
 * A question is a row of weights, one for each word; its score is the weighted sum of the words' log-probabilities. All questions are
 * rows of one batch on the way back (see row-builder.ts).
 */

import type { Dense } from "../array/dense.ts";
import { differentiate, type Overrides } from "../autodiff/differentiate.ts";
import { overridesOf, type Rules } from "../autodiff/rules.ts";
import { InternalError, listing, throwIfAborted, UserError } from "../errors.ts";
import { builtMap, keyOf } from "../methods/layer-map.ts";
import type { LayerMap } from "../methods/method.ts";
import { append } from "../onnx/append.ts";
import type { Value } from "../onnx/build.ts";
import { type Connections, compose, type Part, within } from "../onnx/compose.ts";
import { range } from "../onnx/dims.ts";
import { extract, readsOf } from "../onnx/extract.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, observe, typeOf } from "../onnx/observe.ts";
import { DataType, makeNode, makeValueInfo } from "../onnx/proto.ts";
import { placed } from "../onnx/provider.ts";
import {
  type Feeds,
  openSession,
  overPreset,
  type Runtime,
  run,
  type Session,
  type SessionOptions,
  shapesOf,
} from "../onnx/runtime.ts";
import { toDense, toTensor } from "../onnx/tensors.ts";
import { gradientType } from "../onnx/types.ts";
import { loadOperatorsOf } from "../ops/index.ts";
import type { Axes } from "../read/axes.ts";
import { explainedInput } from "../read/inputs.ts";
import { type Layer, layersOf } from "../read/layers.ts";
import {
  countedFromZero,
  channelsFirst as firstChannels,
  gridsOf,
  type Layout,
  layerParts,
  layoutOf,
  type TokenGrid,
} from "../read/layout.ts";
import { ancestors } from "../read/score.ts";
import { quiet } from "./chain.ts";
import { checkNotCompiled, type Notes, names, prefixed, sentenceNames } from "./compiled.ts";
import { RowBuilder } from "./row-builder.ts";
import { wordStates } from "./word-scores.ts";

/** A model that scores the words of a sentence, for sentences of some length. Tensors go by their names in the whole. */
export interface Teller {
  /** In the order in which they run; the last one reads the words, those before it the picture alone. */
  readonly parts: readonly Part[];
  readonly connections: Connections;
  /** The input that is the picture. */
  readonly image: string;
  /** The scores, [n, T, words]; with more than T places, the last T. */
  readonly scores: string;
  /** What else the whole is fed for these sentences of one length (words before, words), given what is known of the picture. */
  feed(sentences: readonly (readonly number[])[], known: Feeds): Feeds;
}

/** A session that answers rows of weights. */
export interface Asking {
  readonly session: Session;
  /** Forward tensors that it reads. */
  readonly residuals: readonly string[];
  readonly activations?: string;
  readonly cotangent: string;
  readonly weights: string;
  readonly output: string;
  /** Whether one run answers all rows. */
  readonly together: boolean;
}

/** The graphs and sessions for sentences of one length and pictures of one size. */
export class Telling {
  readonly model: Model;
  readonly #sessions = new Map<string, Promise<Asking>>();

  private constructor(
    private readonly ort: Runtime,
    readonly teller: Teller,
    model: Model,
    readonly tensors: Observed,
    /** Of the picture. */
    readonly axes: Axes,
    readonly layers: readonly Layer[],
    private readonly layoutOf: (layer: string) => Layout | undefined,
    private readonly options: SessionOptions,
  ) {
    this.model = model;
  }

  /** @param feeds of the sizes in question, by their names in the whole. */
  static async open(
    ort: Runtime,
    teller: Teller,
    feeds: Feeds,
    { session: given = {}, tokens }: { session?: SessionOptions; tokens?: TokenGrid },
  ): Promise<Telling> {
    const model = compose(teller.parts, teller.connections);
    await loadOperatorsOf(model.graph);
    const tensors = await observe(ort, model, shapesOf(feeds), given);
    const { session = {} } = await placed(ort, model, tensors, given);
    const wanted = ancestors(model, [teller.scores]);
    const { input } = explainedInput(model, tensors, wanted, { explainInput: teller.image });
    if (!input) throw new InternalError(`the picture "${teller.image}" of a captioner is no input`);
    const grids = gridsOf(model, tensors, input);
    const layout = (name: string) => {
      const tensor = typeOf(model, tensors, name);
      const found =
        layoutOf(name, tensor, grids, tokens) ??
        (tensor.dims.length < grids.rank ? undefined : firstChannels(tensor.dims));
      return found && countedFromZero(model, name, tensor, found);
    };
    // The image encoder's layers: those that read no word, neither of the sentence nor of a question, in the parts before the last.
    const early = teller.parts.slice(0, -1).map(({ name }) => within(name, ""));
    const words = model.inputs.map(({ name }) => name).filter((name) => name !== teller.image);
    const reading = dependentsOf(model, words);
    const all = layersOf(model, tensors, input, [teller.scores], tokens);
    const own = all.filter(
      ({ name }) => !reading.has(name) && (early.length === 0 || early.some((prefix) => name.startsWith(prefix))),
    );
    // Of as many channels as the encoder's convolutions make: behind them tokens are projected to the language model's width.
    const bySize = { ...grids, explained: undefined };
    const isOwn = ({ name }: Layer) => layoutOf(name, typeOf(model, tensors, name), bySize, tokens) !== undefined;
    const layers = own.length ? own : all;
    const first = layers.find(isOwn) ?? layers[0];
    const ordered = first ? [first, ...layers.filter((layer) => layer !== first)] : [];
    return new Telling(ort, teller, model, tensors, input.axes, ordered, layout, session);
  }

  /** @throws UserError `unknown-name`; the default layer where none is named. */
  layer(name: string | undefined): string {
    const names = listing(
      this.layers.map((layer) => layer.name),
      8,
    );
    if (name === undefined) {
      if (this.layers.length) return this.layers[0].name;
      throw new UserError("no-path", "no path: the image encoder has no layer with a grid; name one");
    }
    const known = this.layers.find((layer) => layer.name === name || layer.name.endsWith(`/${name}`))?.name;
    const found =
      known ?? [name, ...this.teller.parts.map((part) => `${part.name}/${name}`)].find((n) => this.tensors.has(n));
    if (found === undefined || !this.model.producer.has(found))
      throw new UserError("unknown-name", `unknown layer: "${name}"; candidates are ${names}`);
    if (!this.layoutOf(found))
      throw new UserError(
        "invalid-option",
        `invalid layer: "${name}" has shape [${this.tensors.get(found)?.dims}], which none of the encoder's grids fits; candidates are ${names}`,
      );
    return found;
  }

  gridOf(layer: string): readonly number[] {
    return this.#layout(layer).grid;
  }

  #layout(layer: string): Layout {
    const layout = this.layoutOf(layer);
    if (!layout) throw new InternalError(`the grid of "${layer}" is not known`);
    return layout;
  }

  /** The way back from the words to a map at a layer. */
  atLayer(layer: string, map: LayerMap): Promise<Asking> {
    return this.#once(`${layer} ${keyOf(map)}`, async () => {
      const { type, dims } = typeOf(this.model, this.tensors, layer);
      const { build, ...seeds } = this.#seeded();
      const da = this.#gradient(build, seeds.values, layer, overridesOf("plain", this.options));
      const activations = build.input(type, dims);
      const output = builtMap(map, layerParts(build, activations, da, this.#layout(layer)));
      const reads = build.collect([output]).nodes.some(({ input }) => input.includes(activations.name));
      const extension = this.#extension(build, reads ? [activations, ...seeds.inputs] : seeds.inputs, output);
      const { residuals } = readsOf(this.model, extension);
      const bytes = extract(this.model, this.tensors, extension);
      return {
        session: await openSession(this.ort, bytes, overPreset(quiet, this.options), this.model),
        residuals,
        activations: reads ? activations.name : undefined,
        ...this.#names(seeds.inputs, output, build),
      };
    });
  }

  /** The whole with the way back from the words to the picture. */
  atInput(rules: Rules): Promise<Asking> {
    return this.#once(`pixels ${rules}`, async () => {
      const { build, ...seeds } = this.#seeded();
      const output = this.#gradient(build, seeds.values, this.teller.image, overridesOf(rules, this.options));
      const bytes = append(this.model.bytes, this.#extension(build, seeds.inputs, output));
      const session = await openSession(this.ort, bytes, this.options, this.model);
      return { session, residuals: [], ...this.#names(seeds.inputs, output, build) };
    });
  }

  async release(): Promise<void> {
    const made = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const result of made) if (result.status === "fulfilled") await result.value.session.release();
  }

  #once(key: string, make: () => Promise<Asking>): Promise<Asking> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const made = make();
    this.#sessions.set(key, made);
    made.catch(() => this.#sessions.delete(key));
    return made;
  }

  #seeded() {
    const { model, tensors, teller } = this;
    const build = new RowBuilder(model.opset, freshPrefix(model));
    const scores = typeOf(model, tensors, teller.scores);
    const cotangent = build.input(gradientType(scores.type), scores.dims);
    const weights = build.rows(cotangent.type, [-1, scores.dims[1], 1]);
    return { build, inputs: [cotangent, weights], values: this.#atStates(build, cotangent, weights) };
  }

  /** Cotangents of the scores, [1, T, words], carried to where the words' states are; weights of the rows, [k, T, 1], are applied there. */
  #atStates(build: RowBuilder, cotangent: Value, weights: Value): Map<string, Value> {
    const { model, tensors, teller } = this;
    const values = new Map<string, Value>();
    for (const { scores, state, place } of wordStates(model, tensors, teller.scores)) {
      const own = (v: Value) => (place === undefined ? v : build.slice(v, 1, place, place + 1));
      const seeds = new Map([[scores, own(cotangent)]]);
      const atState = differentiate(model, tensors, { build, seeds, wrt: [state] }).get(state) as Value;
      const dims = tensors.get(state)?.dims;
      const weight = dims?.length === 2 ? build.squeeze(own(weights), [1]) : own(weights);
      values.set(state, { ...build.mul(atState, weight), dims });
    }
    return values;
  }

  /**
   * The whole as one file that explains itself: every place's word, which the run names, has its map.
   * @returns the joined model, with the input `gradcam_words` (int64 [1, T], the word that is scored at each place) and the outputs
   *   `gradcam_log_probability` (float32 [1, T]) and `gradcam_map` (float32 [T, ...grid], raw); one picture in a run
   * @throws UserError where the questions cannot be rows of one batch.
   */
  compiled(layer: string, map: LayerMap, notes: Notes): Uint8Array {
    const { model, tensors, teller } = this;
    checkNotCompiled(model);
    const build = new RowBuilder(model.opset, freshPrefix(model));
    const { type, dims } = typeOf(model, tensors, teller.scores);
    const [, places, vocabulary] = dims;
    const z = build.cast({ name: teller.scores, type, dims: [1, places, vocabulary] }, DataType.FLOAT);
    const words: Value = { name: sentenceNames.words, type: DataType.INT64, dims: [1, places] };
    const chosen = build.oneHot(words, build.ints(vocabulary), DataType.FLOAT, z.dims);
    const logs = build.op("LogSoftmax", [z], { axis: 2 }, z.type, z.dims);
    const each = range(places).flatMap((row) => range(places).map((place) => (place === row ? 1 : 0)));
    const weights = build.asRows(build.floats(each, [places, places, 1]));
    // As in word-scores.ts: 1 minus the word's own probability would lose the digits of a nearly certain one.
    const others = build.mul(build.exp(logs), build.sub(1, chosen));
    const cotangent = build.sub(build.mul(chosen, build.reduceSum(others, [2])), others);
    const seeds = this.#atStates(build, cotangent, weights);
    const own = typeOf(model, tensors, layer);
    const a = { name: layer, type: own.type, dims: [1, ...own.dims.slice(1)] };
    const parts = layerParts(build, a, this.#gradient(build, seeds, layer), this.#layout(layer));
    const mapped = map(parts);
    if (!build.together([mapped]))
      throw new UserError(
        "unsupported-operator",
        "unsupported operator: one on the way from the words to the layer mixes the words, and a compiled model has one run for all",
      );
    const grid = this.gridOf(layer);
    const results = {
      [sentenceNames.logProbability]: {
        value: build.reduceSum(build.mul(chosen, logs), [2], false),
        dims: [1, places],
      },
      [names.map]: { value: build.reshape(mapped, [places, ...grid]), dims: [places, ...grid] },
    };
    const entries = Object.entries(results);
    const { nodes, initializers } = build.collect(entries.map(([, { value }]) => value));
    return append(model.bytes, {
      nodes: [...nodes, ...entries.map(([name, { value }]) => makeNode("Identity", [value.name], [name]))],
      initializers,
      inputs: [makeValueInfo(sentenceNames.words, DataType.INT64, [1, places])],
      outputs: entries.map(([name, { dims }]) => makeValueInfo(name, DataType.FLOAT, dims)),
      metadata: prefixed({ layer, grid: JSON.stringify(grid), model_bytes: String(model.bytes.length), ...notes }),
    });
  }

  #gradient(build: RowBuilder, seeds: ReadonlyMap<string, Value>, wrt: string, overrides?: Overrides): Value {
    const sweep = { build, seeds, wrt: [wrt], overrides };
    return differentiate(this.model, this.tensors, sweep).get(wrt) as Value;
  }

  #names([cotangent, weights]: readonly Value[], output: Value, build: RowBuilder) {
    const free = this.tensors.get(this.teller.scores)?.dims[0] === -1;
    return {
      cotangent: cotangent.name,
      weights: weights.name,
      output: output.name,
      together: free && build.together([output]),
    };
  }

  #extension(build: RowBuilder, inputs: readonly Value[], output: Value) {
    const named = (dims: readonly number[] | undefined, name: string) =>
      dims?.map((d, i) => (d < 0 ? `${name}:${i}` : d));
    return {
      ...build.collect([output]),
      inputs: inputs.map(({ name, type, dims }) => makeValueInfo(name, type, named(dims, name))),
      outputs: [makeValueInfo(output.name)],
    };
  }
}

/** Tensors that change with what some inputs hold; their shapes count for nothing, since exporters take the batch from any input. */
function dependentsOf(model: Model, inputs: Iterable<string>): Set<string> {
  const found = new Set(inputs);
  for (const node of model.graph.node)
    if (node.opType !== "Shape" && node.opType !== "Size" && node.input.some((name) => found.has(name)))
      for (const name of node.output) found.add(name);
  return found;
}

/**
 * Answers rows of weights: all in one run where the way back keeps them apart, else one at a time.
 * @param cotangent d(log-probability of each word) / d(scores), [1, places, words]
 * @param weights of the places, k rows
 * @returns [k, ...]
 */
export async function askRows(
  ort: Runtime,
  { session, output, together, ...names }: Asking,
  feeds: Feeds,
  cotangent: Dense,
  weights: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<Dense> {
  const places = cotangent.dims[1];
  const one = async (rows: readonly (readonly number[])[]): Promise<Dense> => {
    const dims = [rows.length, places, 1];
    const fed = {
      ...feeds,
      [names.cotangent]: toTensor(ort, cotangent),
      [names.weights]: toTensor(ort, { data: Float32Array.from(rows.flat()), dims }),
    };
    return toDense((await run(session, fed, [output]))[output]);
  };
  if (together || weights.length === 1) return one(weights);
  const answers: Dense[] = [];
  for (const row of weights) {
    throwIfAborted(signal);
    answers.push(await one([row]));
  }
  const data = new Float32Array(answers.length * answers[0].data.length);
  answers.forEach((answer, i) => {
    data.set(answer.data, i * answer.data.length);
  });
  return { data, dims: [answers.length, ...answers[0].dims.slice(1)] };
}
