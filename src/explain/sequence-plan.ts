/**
 * @file How a model that scores the words of a sentence is asked, for sentences of one length and pictures of one size.
 *
 * A question is a row of weights, one for each word; its score is the weighted sum of the words' log-probabilities. All questions are
 * rows of one batch in the adjoint (see row-builder.ts).
 */
import { type Adjoint, compileAdjoint, type End, pullback } from "../autodiff/adjoint.ts";
import { RowBuilder } from "../autodiff/row-builder.ts";
import { overridesOf, type Rules } from "../autodiff/rules.ts";
import { InternalError, listing, present, UserError } from "../errors.ts";
import type { LayerMap } from "../methods/method.ts";
import { append } from "../onnx/append.ts";
import type { Value } from "../onnx/build.ts";
import { type Connections, compose, type Part, within } from "../onnx/compose.ts";
import { isStatic, range } from "../onnx/dims.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, observe, typeOf } from "../onnx/observe.ts";
import { DataType, makeNode, makeValueInfo } from "../onnx/proto.ts";
import { placed } from "../onnx/provider.ts";
import { type Feeds, type Runtime, type SessionOptions, shapesOf } from "../onnx/runtime.ts";
import { loadOperatorsOf } from "../ops/index.ts";
import type { Axes } from "../read/axes.ts";
import { explainedInput } from "../read/inputs.ts";
import { type Layer, layersOf } from "../read/layers.ts";
import {
  countedFromZero,
  channelsFirst as firstChannels,
  gridsOf,
  type Layout,
  layerEnd,
  layoutOf,
  type TokenGrid,
} from "../read/layout.ts";
import { ancestors } from "../read/score.ts";
import { type AdjointSession, openAlone, openTogether } from "./adjoint-session.ts";
import { checkNotCompiled, type Notes, names, prefixed, sentenceNames } from "./compiled.ts";
import type { Sessions } from "./sessions.ts";
import { rowBytes, runBytes } from "./sizes.ts";
import { cotangentsAtStates, wordSeeds } from "./word-seeds.ts";

/** A model that scores the words of a sentence, for sentences of some length. Tensors go by their names in the whole. */
export interface SequenceModel {
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

export class SequencePlan {
  /** Adjoints to maps at layers, by map and layer. */
  readonly #adjoints = new WeakMap<LayerMap, Map<string, Adjoint>>();

  private constructor(
    private readonly ort: Runtime,
    readonly sequence: SequenceModel,
    readonly model: Model,
    readonly tensors: Observed,
    /** Of the picture. */
    readonly axes: Axes,
    readonly layers: readonly Layer[],
    private readonly layoutOf: (layer: string) => Layout | undefined,
    private readonly sessions: Sessions,
    private readonly options: SessionOptions,
  ) {}

  /** @param feeds of the sizes in question, by their names in the whole. */
  static async open(
    ort: Runtime,
    sequence: SequenceModel,
    feeds: Feeds,
    sessions: Sessions,
    { session: given = {}, tokens }: { session?: SessionOptions; tokens?: TokenGrid },
  ): Promise<SequencePlan> {
    const model = compose(sequence.parts, sequence.connections);
    await loadOperatorsOf(model.graph);
    const tensors = await observe(ort, model, shapesOf(feeds), given);
    const { session = {} } = await placed(ort, model, tensors, given);
    const wanted = ancestors(model, [sequence.scores]);
    const { input } = explainedInput(model, tensors, wanted, { explainInput: sequence.image });
    if (!input) throw new InternalError(`the picture "${sequence.image}" of a captioner is no input`);
    const grids = gridsOf(model, tensors, input);
    const layout = (name: string) => {
      const tensor = typeOf(model, tensors, name);
      const found =
        layoutOf(name, tensor, grids, tokens) ??
        (tensor.dims.length < grids.rank ? undefined : firstChannels(tensor.dims));
      return found && countedFromZero(model, name, tensor, found);
    };
    // The image encoder's layers: those that read no word, neither of the sentence nor of a question, in the parts before the last.
    const early = sequence.parts.slice(0, -1).map(({ name }) => within(name, ""));
    const words = model.inputs.map(({ name }) => name).filter((name) => name !== sequence.image);
    const reading = dependentsOf(model, words);
    const all = layersOf(model, tensors, input, [sequence.scores], tokens);
    const own = all.filter(
      ({ name }) => !reading.has(name) && (early.length === 0 || early.some((prefix) => name.startsWith(prefix))),
    );
    // Of as many channels as the encoder's convolutions make: behind them tokens are projected to the language model's width.
    const bySize = { ...grids, explained: undefined };
    const isOwn = ({ name }: Layer) => layoutOf(name, typeOf(model, tensors, name), bySize, tokens) !== undefined;
    const layers = own.length ? own : all;
    const first = layers.find(isOwn) ?? layers[0];
    const ordered = first ? [first, ...layers.filter((layer) => layer !== first)] : [];
    return new SequencePlan(ort, sequence, model, tensors, input.axes, ordered, layout, sessions, session);
  }

  /** @throws UserError `unknown-name`; the default layer where none is named. */
  layer(name: string | undefined): string {
    const names = listing(
      this.layers.map((layer) => layer.name),
      8,
    );
    if (name === undefined) {
      const [first] = this.layers;
      if (first) return first.name;
      throw new UserError("no-path", "no path: the image encoder has no layer with a grid; name one");
    }
    const known = this.layers.find((layer) => layer.name === name || layer.name.endsWith(`/${name}`))?.name;
    const found =
      known ?? [name, ...this.sequence.parts.map((part) => `${part.name}/${name}`)].find((n) => this.tensors.has(n));
    if (found === undefined || !this.model.producer.has(found))
      throw new UserError("unknown-name", `unknown layer: "${name}"; candidates are ${names}`);
    if (!this.layoutOf(found))
      throw new UserError(
        "invalid-option",
        `invalid layer: "${name}" has shape [${this.tensors.get(found)?.dims}], which none of the encoder's grids fits; candidates are ${names}`,
      );
    return found;
  }

  /** What the adjoint from the words to a map at a layer reads of the forward pass. */
  residuals(layer: string, map: LayerMap): readonly string[] {
    return this.#adjoint(layer, map).residuals;
  }

  /** The adjoint from the words to a map at a layer, apart from the model. */
  atLayer<R>(layer: string, map: LayerMap, work: (adjoint: AdjointSession) => Promise<R>): Promise<R> {
    const adjoint = this.#adjoint(layer, map);
    const open = () => openAlone(this.ort, this, adjoint, this.options);
    const bytes = this.model.bytes.length + this.rowBytes(layer);
    return this.sessions.use({ key: [this, layer, map], bytes, open }, work);
  }

  /** The whole, and the gradient of the words at the picture. */
  atInput<R>(rules: Rules, work: (adjoint: AdjointSession) => Promise<R>): Promise<R> {
    const open = async () => {
      const adjoint = this.#compiled({ tensor: this.sequence.image }, rules);
      return openTogether(this.ort, this.model, adjoint, this.options);
    };
    const bytes = this.model.bytes.length + 2 * runBytes(this.tensors);
    return this.sessions.use({ key: [this, "pixels", rules], bytes, open }, work);
  }

  /** Whether scores are made of any number of pictures: only then can the rows of a run be questions. */
  get isFree(): boolean {
    return this.tensors.get(this.sequence.scores)?.dims[0] === -1;
  }

  /** Bytes that one question takes in the backward pass to a tensor. */
  rowBytes(tensor: string): number {
    return rowBytes(this, this.sequence.scores, tensor);
  }

  #adjoint(layer: string, map: LayerMap): Adjoint {
    const known = this.#adjoints.get(map) ?? new Map<string, Adjoint>();
    this.#adjoints.set(map, known);
    const adjoint = known.get(layer) ?? this.#compiled(layerEnd(layer, this.#layout(layer), map));
    known.set(layer, adjoint);
    return adjoint;
  }

  #compiled(end: End, rules: Rules = "plain"): Adjoint {
    const { model, tensors, sequence, options } = this;
    const seeds = wordSeeds(this, sequence.scores);
    return compileAdjoint({ model, tensors, seeds, ends: [end], overrides: overridesOf(rules, options), rows: true });
  }

  /** A layer's grid, where it is known before the run. */
  gridOf(layer: string): readonly number[] | undefined {
    const { grid } = this.#layout(layer);
    return isStatic(grid) ? grid : undefined;
  }

  #layout(layer: string): Layout {
    const layout = this.layoutOf(layer);
    if (!layout) throw new InternalError(`the grid of "${layer}" is not known`);
    return layout;
  }

  /**
   * The whole as one file that explains itself: every place's word, which the run names, has its map.
   * @returns the joined model, with the input `gradcam_words` (int64 [1, T], the word that is scored at each place) and the outputs
   *   `gradcam_log_probability` (float32 [1, T]) and `gradcam_map` (float32 [T, ...grid], raw); one picture in a run
   * @throws UserError where the questions cannot be rows of one batch.
   */
  compiled(layer: string, map: LayerMap, notes: Notes): Uint8Array {
    const { model, tensors, sequence } = this;
    checkNotCompiled(model);
    const build = new RowBuilder(model.opset, freshPrefix(model));
    const { type, dims } = typeOf(model, tensors, sequence.scores);
    const [places, vocabulary] = [present(dims[1], "the places"), present(dims[2], "a score")];
    const z = build.cast({ name: sequence.scores, type, dims: [1, places, vocabulary] }, DataType.FLOAT);
    const words: Value = { name: sentenceNames.words, type: DataType.INT64, dims: [1, places] };
    const chosen = build.oneHot(words, build.ints(vocabulary), DataType.FLOAT, z.dims);
    const logs = build.op("LogSoftmax", [z], { axis: 2 }, z.type, z.dims);
    const each = range(places).flatMap((row) => range(places).map((place) => (place === row ? 1 : 0)));
    const weights = build.asRows(build.floats(each, [places, places, 1]));
    // As in word-scores.ts: 1 minus the word's own probability would lose the digits of a nearly certain one.
    const others = build.mul(build.exp(logs), build.sub(1, chosen));
    const cotangent = build.sub(build.mul(chosen, build.reduceSum(others, [2])), others);
    const seeds = cotangentsAtStates(build, this, sequence.scores, cotangent, weights);
    const [made] = pullback(build, this, seeds, [layerEnd(layer, this.#layout(layer), map)]);
    const mapped = present(made, "the map");
    if (!build.together([mapped]))
      throw new UserError(
        "unsupported-operator",
        "unsupported operator: one on the way from the words to the layer mixes the words, and a compiled model has one run for all",
      );
    const { grid } = this.#layout(layer);
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
}

/** Tensors that change with what some inputs hold; their shapes count for nothing, since exporters take the batch from any input. */
function dependentsOf(model: Model, inputs: Iterable<string>): Set<string> {
  const found = new Set(inputs);
  for (const node of model.graph.node)
    if (node.opType !== "Shape" && node.opType !== "Size" && node.input.some((name) => found.has(name)))
      for (const name of node.output) found.add(name);
  return found;
}
